"""Merges a step's output into its run's workspace; each file is replaced at once."""

import gzip
import hashlib
import os
import stat
import tarfile
import uuid

from . import settings
from .files import CHUNK, item_at, open_plain
from .words import in_line

# no honest archive has more entries, a name of this many bytes, or one that is nested this deep
MOST_MEMBERS, MOST_HEADER = 500000, 1 << 20
LONGEST_PATH, DEEPEST = 4095, 200


class MergeError(Exception):
    """A step's output leads out of its workspace, or can't be read."""


class Bounded:
    """The bytes of an archive for tarfile, which would otherwise read a name of any length into memory at once."""

    def __init__(self, file):
        """Wrap the file from which an archive is read."""
        self.file = file
        self.tell, self.seek = file.tell, file.seek

    def read(self, size):
        """Return the next bytes."""
        if not 0 <= size <= MOST_HEADER:
            raise MergeError("a name in its output is too long")
        return self.file.read(size)


class Merge:
    """The merge of one step's output. Repeating it changes nothing."""

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
        # entries that this merge itself brought
        self.brought = set()

    def run(self, archive, deleted):
        """Bring files in, and remove what the step removed. Returns notes for the user, one per line.

        :raises MergeError: before anything is changed, for an archive that no wrapper would have made.
        """
        try:
            with open_plain(archive) as packed:
                free = free_bytes(self.workspace)
                for _, member in members(packed):
                    check(member)
                    free -= member.size
                    if free < 0:
                        raise MergeError("there is no space for its output")
                # the content of a directory is removed before the directory
                for path in sorted(deleted, reverse=True):
                    self.remove(path)
                for tar, member in members(packed):
                    self.bring(tar, member)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise MergeError("its output can't be unpacked: {}".format(error))
        return self.notes

    def bring(self, tar, member):
        """Bring one entry of the archive to its place."""
        path = path_of(member)
        if path in (b"", b"."):
            return
        self.make_parents(path)
        target = os.path.join(self.workspace, path)
        if member.isdir():
            self.make_directory(path, target, member.mode & 0o777 | 0o700)
        elif member.issym():
            self.place(path, target, b"l", lambda part: link(part, member))
        elif member.isreg():
            self.place(path, target, b"f", lambda part: unpack(part, tar, member))

    def make_directory(self, path, target, mode):
        """Make a directory if there is none; it is writable for us, because later steps must write in it."""
        now = item_at(self.workspace, path)
        if now and now.kind == b"d":
            return
        if self.is_changed(now, path):
            self.keep(path)
        elif now:
            os.unlink(target)
        os.mkdir(target, 0o700)
        change_mode(target, mode)
        self.brought.add(path)

    def place(self, path, target, kind, make):
        """Make the entry beside its place first, then move it there."""
        part = os.path.join(os.path.dirname(target), b".scailfin-" + uuid.uuid4().hex.encode())
        try:
            sha256 = make(part)
            now = item_at(self.workspace, path)
            if now and now.kind == kind and now.sha256 == sha256:
                if kind == b"f":
                    change_mode(target, stat.S_IMODE(os.lstat(part).st_mode))
                return
            # a directory in this place contains files of others, unless it is empty
            if now and now.kind == b"d":
                if not is_removed(target):
                    self.keep(path)
            elif self.is_changed(now, path):
                self.keep(path)
            os.replace(part, target)
            self.writers[path] = self.name
            self.brought.add(path)
        finally:
            if os.path.lexists(part):
                os.unlink(part)

    def remove(self, path):
        """Remove what the step removed, unless another step changed it meanwhile."""
        if not self.has_parents(path):
            return
        now = item_at(self.workspace, path)
        if not now:
            return
        target = os.path.join(self.workspace, path)
        if self.is_changed(now, path):
            text = "{} was removed by {}, but changed meanwhile: it is kept"
            self.notes.append(text.format(shown(path), in_line(self.name)))
        elif now.kind == b"d":
            is_removed(target)
        else:
            os.unlink(target)

    def keep(self, path):
        """Move away what another step has written meanwhile."""
        by = in_line(self.writers.get(path, "earlier"), 60).replace("/", "_")
        base = cut(path) + b".~" + cut(by.encode(), 60) + b"~"
        kept, n = base, 2
        while os.path.lexists(os.path.join(self.workspace, kept)):
            kept, n = base + b"%d" % n, n + 1
        os.rename(os.path.join(self.workspace, path), os.path.join(self.workspace, kept))
        text = "{} was changed by another step while {} ran: what was there is kept as {}"
        self.notes.append(text.format(shown(path), in_line(self.name), shown(kept)))

    def is_changed(self, now, path):
        """Tell whether there is something that the step did not get."""
        if path in self.brought:
            return False
        before = self.before.get(path)
        return now is not None and (before is None or (before.kind, before.sha256) != (now.kind, now.sha256))

    def make_parents(self, path):
        """Make the directories of the path; what another step put in place of one is kept, and not followed."""
        check_inside(path)
        for way in ways_to(path):
            self.make_directory(way, os.path.join(self.workspace, way), 0o755)

    def has_parents(self, path):
        """Return whether all directories of the path exist. Raise MergeError for a link, which could lead out."""
        check_inside(path)
        for way in ways_to(path):
            at = os.path.join(self.workspace, way)
            if not os.path.lexists(at):
                return False
            if os.path.islink(at) or not os.path.isdir(at):
                words = "it returned {}, but {} is no directory there"
                raise MergeError(words.format(shown(path), shown(os.path.basename(way))))
        return True


def members(packed):
    """Yield an archive with each of its members, from its beginning."""
    packed.seek(0)
    with tarfile.open(fileobj=Bounded(opened(packed)), mode="r:", errors="surrogateescape") as tar:
        for number, member in enumerate(tar):
            if number >= MOST_MEMBERS:
                raise MergeError("it returned more than {} files".format(MOST_MEMBERS))
            # tarfile would remember every member
            tar.members = []
            yield tar, member


def ways_to(path):
    """Return the directories of a path, the outermost first."""
    parts = path.split(b"/")
    return [b"/".join(parts[:n]) for n in range(1, len(parts))]


def path_of(member):
    """Return the place of a member in the workspace."""
    path = os.fsencode(member.name)
    while path.startswith(b"./"):
        path = path[2:]
    return path


def check(member):
    """Raise MergeError for an entry that a workspace can't contain."""
    path = path_of(member)
    wrong = "its output can't be unpacked: it contains {}: {}"
    if not (member.isdir() or member.issym() or member.isreg()):
        raise MergeError(wrong.format("something other than files", shown(path, 120)))
    if len(path) > LONGEST_PATH or len(path.split(b"/")) > DEEPEST:
        raise MergeError(wrong.format("a path that is too long", shown(path, 60)))
    if path not in (b"", b"."):
        check_inside(path)


def check_inside(path):
    """Raise MergeError for a path that leads out of the workspace."""
    if b"\0" in path or any(part in (b"", b".", b"..") for part in path.split(b"/")):
        raise MergeError("it returned a file outside of its workspace: {}".format(shown(path)))


def shown(path, most=500):
    """Return a path for a message."""
    return in_line(os.fsdecode(path), most)


def cut(path, most=180):
    """Return a path whose last name has room for more text; a name has at most 255 bytes."""
    directory, name = os.path.split(path)
    while len(name) > most:
        name = os.fsencode(os.fsdecode(name)[:-1])
    return os.path.join(directory, name)


def opened(packed):
    """Return the file from which an archive is read, compressed or not."""
    is_packed = packed.read(2) == b"\x1f\x8b"
    packed.seek(0)
    return gzip.GzipFile(fileobj=packed) if is_packed else packed


def change_mode(path, mode):
    """Change the mode of a file or directory, but never through a link."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        # it was replaced meanwhile, or its mode does not let us
        return
    try:
        os.fchmod(fd, mode)
    finally:
        os.close(fd)


def free_bytes(directory):
    """Return how many bytes may be written, because others need the disk, too."""
    disk = os.statvfs(directory)
    return disk.f_bavail * disk.f_frsize - settings.reserve_bytes()


def check_room(directory):
    """Raise MergeError if the disk is nearly full."""
    if free_bytes(directory) < 0:
        raise MergeError("there is no space for its output")


def unpack(part, tar, member):
    """Write a file of the archive. Returns its sha256."""
    sha = hashlib.sha256()
    with tar.extractfile(member) as source, open(part, "xb") as file:
        for data in iter(lambda: source.read(CHUNK), b""):
            check_room(os.path.dirname(part))
            sha.update(data)
            file.write(data)
    # the owner here is not the user who ran the step, so no file may run with its owner's rights
    os.chmod(part, member.mode & 0o777 | 0o400)
    return sha.hexdigest().encode()


def link(part, member):
    """Make a link of the archive. Returns its target's sha256."""
    target = os.fsencode(member.linkname)
    os.symlink(target, part)
    return hashlib.sha256(target).hexdigest().encode()


def is_removed(directory):
    """Remove a directory if it is empty. Returns whether it was."""
    try:
        os.rmdir(directory)
        return True
    except OSError:
        return False
