"""The configuration; backends are names and functions that return classes."""

import os


def _elsewhere():
    raise RuntimeError("this backend is not under test")


COMPUTE_BACKENDS = {name: _elsewhere for name in ("kubernetes", "htcondorcern", "slurmcern", "compute4punch")}
JOB_MONITORS = {name: _elsewhere for name in COMPUTE_BACKENDS}
DEFAULT_COMPUTE_BACKEND = "kubernetes"
SUPPORTED_COMPUTE_BACKENDS = os.getenv("COMPUTE_BACKENDS", DEFAULT_COMPUTE_BACKEND).split(",")
