"""The job controller's queries to the pool's schedd."""

import json
import re
import subprocess
import sys

from . import settings

QUICK_SECONDS, FILES_SECONDS = 60, 3600

# HTCondor's errors for a token that it refuses
REFUSALS = ("Failed to authenticate", "AUTHENTICATE:", "PERMISSION DENIED", "not authorized", "SECMAN:2010")


class ScheddError(Exception):
    """The pool could not be asked, or refused to answer: the state of its jobs is unknown."""


class ScheddRefused(ScheddError):
    """Asking again would not help."""


def ask(verb, seconds=QUICK_SECONDS, **values):
    """Make one query to the schedd.

    :raises ScheddError: with HTCondor's error; it is not known then whether the request was carried out.
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
    """Return an error that says what went wrong and what to check."""
    if any(refusal in words for refusal in REFUSALS):
        return ScheddRefused("the pool at {} refuses the token in the secret {}: {}".format(pool, settings.TOKEN_FILE, words))
    return ScheddError("the pool at {} could not be asked: {}".format(pool, words))
