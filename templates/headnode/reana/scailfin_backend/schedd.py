"""The pool's schedd, as the job controller asks it."""

import json
import re
import subprocess
import sys

from . import settings

QUICK_SECONDS, FILES_SECONDS = 60, 3600

# HTCondor's words for a token it does not take
REFUSALS = ("Failed to authenticate", "AUTHENTICATE:", "PERMISSION DENIED", "not authorized", "SECMAN:2010")


class ScheddError(Exception):
    """The pool could not be asked, or refused: what it holds is not known."""


class ScheddRefused(ScheddError):
    """Asking again would not help."""


def ask(verb, seconds=QUICK_SECONDS, **values):
    """Ask the schedd one thing.

    :raises ScheddError: with HTCondor's words; whether it was done is not known then.
    """
    pool = settings.pool()
    question = dict(values, pool=pool, name=settings.schedd_name())
    argv = [sys.executable, "-m", "scailfin_backend.condor", verb]
    try:
        done = subprocess.run(
            argv,
            input=json.dumps(question).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=settings.client_environment(),
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise ScheddError("the pool at {} did not answer in {} s".format(pool, seconds))
    said = last_words(done.stderr.decode(errors="replace"))
    try:
        answer = json.loads(done.stdout.decode())
    except ValueError:
        raise ScheddError("HTCondor's client ended with {}: {}".format(done.returncode, said))
    if "error" in answer:
        raise explained(pool, " ".join(answer["error"].split() + ([said] if said else [])))
    return answer


def last_words(log):
    """Return the last line of HTCondor's log, without its time."""
    lines = [re.sub(r"^\d\d/\d\d/\d\d \d\d:\d\d:\d\d ", "", line).strip() for line in log.splitlines()]
    return next((line for line in reversed(lines) if line), "")


def explained(pool, words):
    """Return what went wrong as an error that says what to look at."""
    if any(refusal in words for refusal in REFUSALS):
        return ScheddRefused("the pool at {} refuses the token in the secret {}: {}".format(pool, settings.TOKEN_FILE, words))
    return ScheddError("the pool at {} could not be asked: {}".format(pool, words))
