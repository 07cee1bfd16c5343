"""The backend's settings from its environment; the README beside the Dockerfile lists them."""

import os
import tempfile
import threading
from pathlib import Path

# the user's secret in REANA with the pool's token: a file of this name, or otherwise a variable
TOKEN_FILE, TOKEN_VARIABLE = "scailfin-pool-token", "SCAILFIN_POOL_TOKEN"
# where the workflow controller mounts the user's file secrets
SECRETS = Path(os.getenv("REANA_USER_SECRET_MOUNT_PATH", "/etc/reana/secrets"))

CLIENT_CONFIG = """\
LOCAL_CONFIG_FILE =
LOCAL_CONFIG_DIR =
USER_CONFIG_FILE =
ENABLE_IPV6 = False
SEC_CLIENT_AUTHENTICATION_METHODS = IDTOKENS
SEC_DEFAULT_AUTHENTICATION = REQUIRED
SEC_DEFAULT_ENCRYPTION = REQUIRED
SEC_DEFAULT_INTEGRITY = REQUIRED
SEC_TOKEN_DIRECTORY = {tokens}
SEC_TOKEN_SYSTEM_DIRECTORY = {tokens}
"""

_lock = threading.Lock()
_private = None


class SettingsError(Exception):
    """A setting that the backend needs is missing."""


def pool():
    """Return the pool's collector as HOST:PORT."""
    address = os.getenv("SCAILFIN_COLLECTOR", "")
    if not address:
        raise SettingsError("SCAILFIN_COLLECTOR is not set: it names the pool, HOST:PORT")
    return address


def schedd_name():
    """Return the name of the schedd, or an empty string for the pool's only schedd."""
    return os.getenv("SCAILFIN_SCHEDD", "")


def wrapper():
    """Return the path of the script that runs a step on a node."""
    return os.getenv("SCAILFIN_STEP_SCRIPT", "/opt/scailfin/step.sh")


def poll_seconds():
    """Return the seconds between two queries of the queue."""
    return float(os.getenv("SCAILFIN_POLL_SECONDS", "3"))


def lease_seconds():
    """Return for how many seconds steps outlive a controller that is gone."""
    return int(os.getenv("SCAILFIN_LEASE_SECONDS", "7200"))


def reserve_bytes():
    """Return how many bytes on a workspace's disk steps must leave free."""
    return int(os.getenv("SCAILFIN_RESERVE_BYTES", str(1 << 30)))


def token():
    """Return the pool's token."""
    path = SECRETS / TOKEN_FILE
    text = path.read_text().strip() if path.is_file() else os.getenv(TOKEN_VARIABLE, "").strip()
    if not text:
        words = "there is no token for the pool, neither in the secret {} nor in the variable {}"
        raise SettingsError(words.format(path, TOKEN_VARIABLE))
    return text


def private_dir():
    """Return a directory that only this process's user can access."""
    global _private
    with _lock:
        if _private is None:
            _private = Path(tempfile.mkdtemp(prefix="scailfin-"))
        return _private


def client_environment():
    """Return the environment of HTCondor's client; its token is in a file that only its user can read."""
    home = private_dir()
    tokens = home / "tokens"
    tokens.mkdir(mode=0o700, exist_ok=True)
    # read each time, because a secret may have been renewed
    write_private(tokens / "pool", token() + "\n")
    write_private(home / "condor_config", CLIENT_CONFIG.format(tokens=tokens))
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH", "TMPDIR") if name in os.environ}
    return dict(kept, CONDOR_CONFIG=str(home / "condor_config"))


def write_private(path, text):
    """Replace a file atomically; nobody else can read it at any moment. Several threads may do so at the same time."""
    part = "{}.{}".format(path, threading.get_ident())
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    os.replace(part, str(path))
