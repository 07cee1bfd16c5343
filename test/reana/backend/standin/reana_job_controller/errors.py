"""Errors of the REST interface."""


class ComputingBackendSubmissionError(Exception):
    """A backend could not do what it was asked."""
