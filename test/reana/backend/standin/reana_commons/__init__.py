"""Stands in for reana-commons 0.9.9, of which the backend uses one class."""
