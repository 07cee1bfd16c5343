"""A step's log: what the step printed, and notes about it."""

import os

from . import schedd, submit
from .files import OddFile, open_plain

# bytes of each stream; REANA keeps logs in its database
MOST_BYTES = 4 << 20


def fetch(job, step, outputs=False):
    """Bring a job's streams, and its output files if it ended, to the step's directory."""
    os.makedirs(submit.directory_of(step), 0o700, exist_ok=True)
    schedd.ask("retrieve", schedd.FILES_SECONDS, job=job, outputs=outputs)


def text(step, notes):
    """Return what the step printed, what the wrapper said, and notes."""
    streams = [end_of(os.path.join(submit.directory_of(step), name)) for name in ("out", "err")]
    lines = ["scailfin: {}\n".format(note) for note in notes]
    return "".join(stream if stream[-1:] in ("", "\n") else stream + "\n" for stream in streams) + "".join(lines)


def end_of(path):
    """Return the end of a file, or nothing."""
    try:
        with open_plain(path) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - MOST_BYTES))
            # texts in PostgreSQL can't contain NUL
            return file.read().decode("utf-8", "replace").replace("\0", "\ufffd")
    except (FileNotFoundError, IsADirectoryError, OddFile):
        return ""
