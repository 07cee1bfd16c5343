"""Entries of a workspace, as in the step wrapper's manifest. Paths are bytes, because a name need not be UTF-8."""

import base64
import hashlib
import os
import stat
from collections import namedtuple

# kind: b"f" file, b"d" directory, b"l" link. sha256: of the content or the link's target, b"-" for a directory
Item = namedtuple("Item", "path kind sha256 size mode")

CHUNK = 1 << 20
# a node sees by this file that it shares the file system of an edge's headnode; it is not part of a run's files
PROBE = b".scailfin-probe"


class OddFile(Exception):
    """Something that should be a file is a link, a pipe, a device or far too large: no honest step left it."""


def open_plain(path, most=None):
    """Open a file that others may have made: follow no link, wait for no pipe, read no more than `most` bytes.

    :raises OddFile: for anything else; FileNotFoundError if there is nothing.
    """
    try:
        file = open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    except (IsADirectoryError, FileNotFoundError):
        raise
    except OSError as error:
        raise OddFile("{} is not a plain file: {}".format(os.path.basename(os.fsdecode(path)), error.strerror))
    stats = os.fstat(file.fileno())
    if stat.S_ISREG(stats.st_mode) and (most is None or stats.st_size <= most):
        return file
    file.close()
    raise OddFile("{} is not a plain file, or is too large".format(os.path.basename(os.fsdecode(path))))


class Hashing:
    """Passes a file on, and computes the sha256 of the bytes."""

    def __init__(self, file):
        """Wrap a file opened in binary mode."""
        self.file = file
        self.sha = hashlib.sha256()

    def read(self, size=-1):
        """Return the next bytes."""
        data = self.file.read(size)
        self.sha.update(data)
        return data


def hash_of(path):
    """Return the sha256 of a file's content."""
    with open_plain(path) as file:
        reader = Hashing(file)
        while reader.read(CHUNK):
            pass
    return reader.sha.hexdigest().encode()


def hash_of_link(path):
    """Return the sha256 of a link's target."""
    return hashlib.sha256(os.readlink(path)).hexdigest().encode()


def item_at(workspace, path):
    """Return the entry at a path of the workspace; None for nothing, and for sockets, devices and pipes."""
    full = os.path.join(workspace, path)
    try:
        stats = os.lstat(full)
    except (FileNotFoundError, NotADirectoryError):
        return None
    mode = stat.S_IMODE(stats.st_mode)
    if stat.S_ISDIR(stats.st_mode):
        return Item(path, b"d", b"-", 0, mode)
    if stat.S_ISLNK(stats.st_mode):
        return Item(path, b"l", hash_of_link(full), stats.st_size, mode)
    if stat.S_ISREG(stats.st_mode):
        return Item(path, b"f", hash_of(full), stats.st_size, mode)
    return None


def manifest_text(items):
    """Return one line per item. There is no probe, because no node sees the files of this pod."""
    lines = [b"probe - -"]
    for item in items:
        fields = (item.sha256, b"%d" % item.size, b"%o" % item.mode, item.kind, base64.b64encode(item.path))
        lines.append(b" ".join(fields))
    return b"\n".join(lines) + b"\n"


def items_of(text):
    """Return a manifest's items by their paths."""
    fields = [line.split(b" ") for line in text.split(b"\n") if line and not line.startswith(b"probe ")]
    items = [Item(base64.b64decode(f[4]), f[3], f[0], int(f[1]), int(f[2], 8)) for f in fields]
    return {item.path: item for item in items}
