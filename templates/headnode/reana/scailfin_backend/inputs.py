"""A step's files as they go with its job: step.env, manifest, small.tar."""

import base64
import os
import re
import shlex
import stat
import tarfile

from .files import PROBE, Hashing, Item, OddFile, hash_of_link, manifest_text, open_plain

FILES = ("step.env", "manifest", "small.tar")


def prepare(directory, step):
    """Write a step's files into a directory that only this process's user can read.

    :param step: dict of id, name, workspace, image, command, environment, secrets (dict of name to bytes).
    :returns: the bytes of all inputs.
    """
    workspace = os.fsencode(step["workspace"])
    with open(os.path.join(directory, "small.tar"), "wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
            items = sorted(pack(workspace, archive))
    with open(os.path.join(directory, "manifest"), "wb") as file:
        file.write(manifest_text(items))
    path = os.path.join(directory, "step.env")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(step_environment(step))
    return sum(item.size for item in items)


def pack(workspace, archive):
    """Pack everything in a workspace. The manifest's entry for a file describes what went into the archive.

    :returns: an item for each thing there; special files are left out.
    """
    for directory, names, files in os.walk(workspace, onerror=unless_gone):
        links = [name for name in names if os.path.islink(os.path.join(directory, name))]
        for name in names:
            if name not in links:
                full = os.path.join(directory, name)
                yield Item(os.path.relpath(full, workspace), b"d", b"-", 0, stat.S_IMODE(os.lstat(full).st_mode))
        for name in files + links:
            full = os.path.join(directory, name)
            path = os.path.relpath(full, workspace)
            item = pack_one(full, path, archive) if path != PROBE else None
            if item:
                yield item


def unless_gone(error):
    """Raise errors that os.walk would ignore; a directory may vanish while it is read."""
    if not isinstance(error, FileNotFoundError):
        raise error


def pack_one(full, path, archive):
    """Pack a file or a link. Returns None for other things, and for what vanished meanwhile."""
    try:
        stats = os.lstat(full)
        info = tarfile.TarInfo(os.fsdecode(path))
        info.mode, info.mtime = stat.S_IMODE(stats.st_mode), int(stats.st_mtime)
        if stat.S_ISLNK(stats.st_mode):
            info.type, info.linkname = tarfile.SYMTYPE, os.fsdecode(os.readlink(full))
            archive.addfile(info)
            return Item(path, b"l", hash_of_link(full), stats.st_size, info.mode)
        if not stat.S_ISREG(stats.st_mode):
            return None
        file = open_plain(full)
    except (FileNotFoundError, IsADirectoryError, OddFile):
        return None
    with file:
        info.size = os.fstat(file.fileno()).st_size
        reader = Hashing(file)
        archive.addfile(info, reader)
    return Item(path, b"f", reader.sha.hexdigest().encode(), info.size, info.mode)


def step_environment(step):
    """Return the step as the wrapper reads it: shell assignments, with all special text in base64 or quotes."""
    lines = [encoded("{}={}".format(name, value)) for name, value in step["environment"].items()]
    secrets = [encoded(name) + " " + base64.b64encode(content).decode() for name, content in step["secrets"].items()]
    values = {
        "step": step["id"],
        "name": step["name"],
        "workspace": step["workspace"],
        "image": step["image"],
        "command_b64": encoded(step["command"]),
        "environment_b64": "\n".join(lines),
        "cvmfs": " ".join(step.get("cvmfs", ())),
        "unpacks": "gzip",
        "secrets_b64": "\n".join(secrets),
    }
    return "".join("{}={}\n".format(name, shlex.quote(value)) for name, value in values.items())


def check_environment(environment):
    """Raise ValueError for names and values that no shell accepts as a variable."""
    for name, value in environment.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError("{} is not a valid name of an environment variable".format(name))
        if "\0" in str(value):
            raise ValueError("the environment variable {} contains a NUL".format(name))


def encoded(text):
    """Return a text's bytes in base64."""
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()
