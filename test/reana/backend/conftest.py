"""Puts the backend on the path, and the job controller: a checkout of the real one, or what stands in for it."""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
REAL = os.getenv("SCAILFIN_TEST_REANA_JOB_CONTROLLER")
sys.path[:0] = [str(HERE.parents[2] / "templates/headnode/reana")]
sys.path[1:1] = [REAL] if REAL else [str(HERE / "standin")]
if REAL:
    import database  # noqa: F401


@pytest.fixture
def private(tmp_path, monkeypatch):
    """Give each test a directory for steps' files, secrets, and a token."""
    from scailfin_backend import settings

    for name in ("private", "secrets"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(settings, "_private", tmp_path / "private")
    monkeypatch.setattr(settings, "SECRETS", tmp_path / "secrets")
    monkeypatch.setenv("SCAILFIN_POOL_TOKEN", "a.token")
    monkeypatch.setenv("SCAILFIN_COLLECTOR", "127.0.0.1:1")
    return tmp_path / "private"
