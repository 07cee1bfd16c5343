"""What a step changed comes back into its run's workspace, a file at a time and each at once."""

import gzip
import hashlib
import os
import stat
import tarfile
import uuid

from . import settings
from .files import CHUNK, item_at, open_plain

# what an honest archive has not: more things, or a name of this many bytes
MOST_MEMBERS, MOST_HEADER = 1000000, 1 << 20


class MergeError(Exception):
    """What a step returned leads out of its workspace, or can't be read."""


class Bounded:
    """An archive's bytes for tarfile, which would take a name of any length into memory at once."""

    def __init__(self, file):
        """Wrap what an archive is read from."""
        self.file = file
        self.tell, self.seek = file.tell, file.seek

    def read(self, size):
        """Return the next bytes."""
        if not 0 <= size <= MOST_HEADER:
            raise MergeError("a name in what it returned is too long")
        return self.file.read(size)


class Merge:
    """One step's return. Done again it changes nothing."""

    def __init__(self, workspace, before, name, writers):
        """Take the workspace as the step got it.

        :param before: dict of path to Item.
        :param writers: who last wrote a file, by path; changed by this.
        """
        self.workspace = os.fsencode(workspace)
        self.before = before
        self.name = name
        self.writers = writers
        self.notes = []

    def run(self, archive, deleted):
        """Bring files in, and remove what the step removed. Returns what a person should know, a line each."""
        # what is in a directory goes before it
        for path in sorted(deleted, reverse=True):
            self.remove(path)
        modes = []
        try:
            with open_plain(archive) as packed:
                self.unpack(opened(packed), modes)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise MergeError("what it returned can't be unpacked: {}".format(error))
        for path, mode in reversed(modes):
            change_mode(path, mode)
        return self.notes

    def unpack(self, file, modes):
        """Bring all of an archive in, as long as the disk has room."""
        with tarfile.open(fileobj=Bounded(file), mode="r:", errors="surrogateescape") as tar:
            for number, member in enumerate(tar):
                if number >= MOST_MEMBERS:
                    raise MergeError("it returned more than {} files".format(MOST_MEMBERS))
                # tarfile remembers each
                tar.members = []
                self.bring(tar, member, modes)

    def bring(self, tar, member, modes):
        """Bring one thing of the archive to its place."""
        path = os.fsencode(member.name)
        while path.startswith(b"./"):
            path = path[2:]
        if path in (b"", b"."):
            return
        self.check_parents(path)
        target = os.path.join(self.workspace, path)
        if member.isdir():
            self.make_directory(path, target, member.mode & 0o777, modes)
        elif member.issym():
            self.place(path, target, b"l", lambda part: link(part, member))
        elif member.isreg():
            self.place(path, target, b"f", lambda part: unpack(part, tar, member))

    def make_directory(self, path, target, mode, modes):
        """Make a directory where there is none; its mode comes last, for it may forbid writing."""
        now = item_at(self.workspace, path)
        if now and now.kind == b"d":
            return
        if self.is_changed(now, path):
            self.keep(path)
        elif now:
            os.unlink(target)
        os.mkdir(target, 0o700)
        modes.append((target, mode))

    def place(self, path, target, kind, make):
        """Make it beside its place first, then move it there."""
        part = os.path.join(os.path.dirname(target), b".scailfin-" + uuid.uuid4().hex.encode())
        try:
            sha256 = make(part)
            now = item_at(self.workspace, path)
            if now and now.kind == kind and now.sha256 == sha256:
                if kind == b"f":
                    change_mode(target, stat.S_IMODE(os.lstat(part).st_mode))
                return
            # a directory that is in the way holds what others made, unless it is empty
            if now and now.kind == b"d":
                if not is_removed(target):
                    self.keep(path)
            elif self.is_changed(now, path):
                self.keep(path)
            os.replace(part, target)
            self.writers[path] = self.name
        finally:
            if os.path.lexists(part):
                os.unlink(part)

    def remove(self, path):
        """Remove what the step removed, unless another one changed it meanwhile."""
        self.check_parents(path)
        now = item_at(self.workspace, path)
        if not now:
            return
        target = os.path.join(self.workspace, path)
        if self.is_changed(now, path):
            text = "{} was removed by {}, but changed meanwhile: it is kept"
            self.notes.append(text.format(os.fsdecode(path), self.name))
        elif now.kind == b"d":
            is_removed(target)
        else:
            os.unlink(target)

    def keep(self, path):
        """Move away what another one wrote since."""
        by = self.writers.get(path, "earlier").replace("/", "_")
        base = path + b".~" + by.encode() + b"~"
        kept, n = base, 2
        while os.path.lexists(os.path.join(self.workspace, kept)):
            kept, n = base + b"%d" % n, n + 1
        os.rename(os.path.join(self.workspace, path), os.path.join(self.workspace, kept))
        text = "{} was changed by another step while {} ran: what was there is kept as {}"
        self.notes.append(text.format(os.fsdecode(path), self.name, os.fsdecode(kept)))

    def is_changed(self, now, path):
        """Tell whether something is there that the step did not get."""
        before = self.before.get(path)
        return now is not None and (before is None or (before.kind, before.sha256) != (now.kind, now.sha256))

    def check_parents(self, path):
        """Raise MergeError where a part of the way is a link: it could lead out of the workspace."""
        parts = path.split(b"/")
        if any(part in (b"", b".", b"..") for part in parts):
            raise MergeError("it returned a file outside of its workspace: {}".format(os.fsdecode(path)))
        at = self.workspace
        for part in parts[:-1]:
            at = os.path.join(at, part)
            if not os.path.lexists(at):
                os.mkdir(at)
            elif os.path.islink(at) or not os.path.isdir(at):
                words = "it returned {}, but {} is no directory there"
                raise MergeError(words.format(os.fsdecode(path), os.fsdecode(part)))


def opened(packed):
    """Return what an archive is read from, packed or not."""
    is_packed = packed.read(2) == b"\x1f\x8b"
    packed.seek(0)
    return gzip.GzipFile(fileobj=packed) if is_packed else packed


def change_mode(path, mode):
    """Change the mode of a file or directory, and of nothing that a link leads to."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        # another thing is there by now, or its mode does not let us
        return
    try:
        os.fchmod(fd, mode)
    finally:
        os.close(fd)


def check_room(directory):
    """Raise MergeError when the disk is nearly full: others need it, too."""
    disk = os.statvfs(directory)
    if disk.f_bavail * disk.f_frsize < settings.reserve_bytes():
        raise MergeError("there is no room for what it returned")


def unpack(part, tar, member):
    """Write a file of the archive. Returns its sha256."""
    sha = hashlib.sha256()
    with tar.extractfile(member) as source, open(part, "xb") as file:
        for data in iter(lambda: source.read(CHUNK), b""):
            check_room(os.path.dirname(part))
            sha.update(data)
            file.write(data)
    # who owns it here is not who ran the step: nothing may run as its owner
    os.chmod(part, member.mode & 0o777)
    return sha.hexdigest().encode()


def link(part, member):
    """Make a link of the archive. Returns its target's sha256."""
    target = os.fsencode(member.linkname)
    os.symlink(target, part)
    return hashlib.sha256(target).hexdigest().encode()


def is_removed(directory):
    """Remove a directory that is empty. Tells whether it was."""
    try:
        os.rmdir(directory)
        return True
    except OSError:
        return False
