"""REANA's job controller with the pool as one of its compute backends, and the default one. FLASK_APP names this file.

A backend is an entry in two dictionaries of upstream's configuration, so no file of upstream is changed.
"""

from reana_job_controller import config

from .manager import BACKEND, BACKENDS, PoolJobManager


def monitor():
    """Return the function called after each submission; upstream's monitors read the configuration when imported."""
    from .monitor import watch

    return watch


for name in BACKENDS:
    config.COMPUTE_BACKENDS[name] = lambda: PoolJobManager
    config.JOB_MONITORS[name] = monitor
    if name not in config.SUPPORTED_COMPUTE_BACKENDS:
        config.SUPPORTED_COMPUTE_BACKENDS.append(name)
config.DEFAULT_COMPUTE_BACKEND = BACKEND

from reana_job_controller.app import app  # noqa: E402,F401  (reads the configuration when it is imported)
