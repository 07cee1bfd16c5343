"""What a compute node may leave instead of what a step made. The job controller sees the files of all runs, and has a token."""

import gzip
import io
import os
import stat
import tarfile
import tracemalloc

import pytest
from scailfin_backend import files, hints, inputs, logs, merge as merging, outcome, report, submit
from scailfin_backend.files import OddFile
from scailfin_backend.merge import Merge, MergeError
from test_life import controller, ended, pool  # noqa: F401  (fixtures)


def info_of(name, kind=tarfile.REGTYPE, **more):
    """Return a member."""
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in more.items():
        setattr(info, key, value)
    return info


def archive_of(tmp_path, *members):
    """Write a changed.tar of (member, content). Returns its path."""
    path = tmp_path / "changed.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return str(path)


def merged(tmp_path, archive):
    """Merge it into a workspace beside which there is somebody else's file. Returns the workspace."""
    ws = tmp_path / "ws"
    ws.mkdir(exist_ok=True)
    (tmp_path / "theirs").mkdir(exist_ok=True)
    (tmp_path / "theirs/file").write_text("theirs")
    (tmp_path / "theirs/file").chmod(0o600)
    try:
        Merge(ws, {}, "evil", {}).run(archive, [])
    except (MergeError, OddFile):
        pass
    assert (tmp_path / "theirs/file").read_text() == "theirs"
    assert stat.S_IMODE((tmp_path / "theirs/file").stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path / "theirs")) == ["file"]
    return ws


def test_a_directory_that_becomes_a_link_changes_no_mode_elsewhere(tmp_path):
    for target in ("../theirs/file", str(tmp_path / "theirs/file")):
        members = [(info_of("x", tarfile.DIRTYPE, mode=0o777), b""), (info_of("x", tarfile.SYMTYPE, linkname=target), b"")]
        merged(tmp_path, archive_of(tmp_path, *members))


def test_nothing_is_written_through_links_of_the_same_archive(tmp_path):
    link = info_of("d", tarfile.SYMTYPE, linkname="../theirs")
    for name in ("d/file", "d/new", "./d/file"):
        merged(tmp_path, archive_of(tmp_path, (link, b""), (info_of(name), b"evil")))
    hard = info_of("h", tarfile.LNKTYPE, linkname="../theirs/file")
    ws = merged(tmp_path, archive_of(tmp_path, (hard, b""), (info_of("h"), b"evil")))
    assert not (ws / "h").exists() or (ws / "h").stat().st_nlink == 1


def test_devices_and_pipes_are_not_made(tmp_path):
    kinds = (tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE)
    ws = merged(tmp_path, archive_of(tmp_path, *[(info_of("n%d" % n, kind), b"") for n, kind in enumerate(kinds)]))
    assert os.listdir(ws) == []


def test_nothing_runs_as_its_owner(tmp_path):
    ws = merged(tmp_path, archive_of(tmp_path, (info_of("s", mode=0o6755), b"#!/bin/sh"), (info_of("d", tarfile.DIRTYPE, mode=0o2777), b"")))
    assert stat.S_IMODE((ws / "s").stat().st_mode) == 0o755
    assert stat.S_IMODE((ws / "d").stat().st_mode) == 0o777


@pytest.mark.parametrize("name", ["changed.tar", "report", "out"])
@pytest.mark.parametrize("kind", ["link", "pipe", "directory"])
def test_what_is_no_file_is_not_read(tmp_path, monkeypatch, name, kind):
    monkeypatch.setattr(submit.settings, "private_dir", lambda: tmp_path)
    step = tmp_path / "one"
    step.mkdir()
    (tmp_path / "secret").write_text("exit=0\nSECRET\n")
    {"link": lambda: (step / name).symlink_to("../secret"), "pipe": lambda: os.mkfifo(step / name),
     "directory": lambda: (step / name).mkdir()}[kind]()
    if name == "out":
        assert logs.text("one", []) == ""
        return
    with pytest.raises((OddFile, MergeError, OSError)):
        if name == "report":
            outcome.report_of("one")
        else:
            Merge(tmp_path, {}, "evil", {}).run(str(step / name), [])


def test_a_report_without_end_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(submit.settings, "private_dir", lambda: tmp_path)
    (tmp_path / "one").mkdir()
    with open(tmp_path / "one/report", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OddFile):
        outcome.report_of("one")


@pytest.mark.parametrize("text", ["exit=" + "9" * 5000, "exit=\u00b2", "exit=-1", "deleted=%%%\nexit=0", "deleted=YQ\nexit=0",
                                  "=" * 100000, "exit=0\n" * 100000, "message=\x1b]0;x\x07\u202e"])
def test_a_report_of_nonsense_ends_the_step(controller, pool, text):
    _, number = controller.post()
    pool.become(number, 4, **ended(report=text))
    assert controller.look(3) in ("failed", "finished")


def test_what_it_says_of_itself_is_short_and_printable():
    said = report.parse("message=\x1b[2J\x07\u202e" + "x" * 100000)
    for status in (160, 166):
        _, reason = report.outcome({"ExitCode": status}, said)
        assert len(reason) <= 501
        assert reason.isprintable()


def test_a_name_that_fills_the_memory_is_refused(tmp_path):
    header = info_of("././@LongLink", tarfile.GNUTYPE_LONGNAME, size=1 << 30)
    with gzip.open(tmp_path / "bomb", "wb", 1) as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        for _ in range(1 << 6):
            file.write(b"x" * (1 << 20))
    tracemalloc.start()
    merged(tmp_path, str(tmp_path / "bomb"))
    assert tracemalloc.get_traced_memory()[1] < 50 << 20
    tracemalloc.stop()


def test_a_bomb_leaves_room_on_the_disk(tmp_path, monkeypatch):
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    monkeypatch.setenv("SCAILFIN_RESERVE_BYTES", str(max(0, free - (64 << 20))))
    with gzip.open(tmp_path / "bomb", "wb", 1) as file:
        file.write(info_of("big", size=1 << 30).tobuf())
        for _ in range(1 << 10):
            file.write(bytes(1 << 20))
        file.write(bytes(1024))
    (tmp_path / "ws").mkdir()
    with pytest.raises(MergeError, match="there is no space"):
        Merge(tmp_path / "ws", {}, "evil", {}).run(str(tmp_path / "bomb"), [])
    assert os.listdir(tmp_path / "ws") == []


def test_a_million_files_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(merging, "MOST_MEMBERS", 100)
    archive = archive_of(tmp_path, *[(info_of("f%d" % n), b"") for n in range(200)])
    (tmp_path / "ws").mkdir()
    with pytest.raises(MergeError, match="more than 100 files"):
        Merge(tmp_path / "ws", {}, "evil", {}).run(archive, [])


def test_a_manifest_that_a_node_sends_is_not_believed(controller, pool):
    (controller.workspace / "shared").write_text("before")
    _, number = controller.post()
    # as if the step had got what another one wrote meanwhile
    (controller.workspace / "shared").write_text("of another step")
    (item,) = inputs.pack(os.fsencode(str(controller.workspace)), tarfile.open(fileobj=io.BytesIO(), mode="w"))
    with open(os.path.join(pool.jobs[number]["directory"], "manifest"), "wb") as file:
        file.write(files.manifest_text([item]))
    pool.become(number, 4, **ended(shared="evil"))
    assert controller.look(3) == "finished"
    assert sorted(path.read_text() for path in controller.workspace.iterdir()) == ["evil", "of another step"]


@pytest.mark.parametrize("mounts", ["['../etc']", "['/etc']", "['a.b/../../etc']", "['x']", "['$(id).cern.ch']"])
def test_only_repositories_of_cvmfs_become_paths(mounts):
    with pytest.raises(hints.HintError):
        hints.repositories_of(mounts)
    assert hints.repositories_of("['sft.cern.ch', \"atlas.cern.ch\"]") == ["sft.cern.ch", "atlas.cern.ch"]
    assert hints.repositories_of("false") == hints.repositories_of(None) == []
