"""A step's files go out and come back, by the real wrapper: no byte of a name, a content or a command is another one."""

import base64
import os
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings, strategies as st
from scailfin_backend import inputs
from scailfin_backend.files import items_of
from scailfin_backend.merge import Merge, MergeError
from wrapped import Wrapped, step_of

# what shells, HTCondor and tar have been known to stumble over
NASTY = "\"'\\ $`!*?[]{}()<>|&;#~%^=+@,:\n\t\r\v\x01\x7f\u00e9\u2028\U0001f600-"
texts = st.text(st.one_of(st.sampled_from(NASTY), st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=60)
names = st.binary(min_size=1, max_size=40).filter(lambda b: not set(b) & {0, 47} and b not in (b".", b".."))


def sourced(environment, *variables):
    """Return what a shell has in variables after step.env."""
    show = 'eval "$(cat)"; for v in "$@"; do eval "printf \'%s\\0\' \\"\\$$v\\""; done'
    done = subprocess.run(["/bin/sh", "-c", show, "sh", *variables], input=environment.encode("utf-8", "surrogateescape"),
                          stdout=subprocess.PIPE, check=True)
    return [value.decode("utf-8", "surrogateescape") for value in done.stdout.split(b"\0")[:-1]]


@settings(max_examples=80, deadline=None)
@given(command=texts, name=texts, image=texts, value=texts)
def test_what_the_wrapper_reads_is_what_was_asked_for(command, name, image, value):
    step = dict(step_of("/a b/'c", command), name=name, image=image, environment={"X": value})
    text = inputs.step_environment(step)
    read = sourced(text, "name", "image", "workspace", "command_b64", "environment_b64")
    decoded = [base64.b64decode(word).decode() for word in read[3:]]
    assert (*read[:3], *decoded) == (name, image, "/a b/'c", command, "X=" + value)


@settings(max_examples=8, deadline=None)
@given(command=texts, value=texts)
def test_a_command_reaches_the_step_byte_for_byte(command, value):
    whole = 'printf %s "$BASH_EXECUTION_STRING" | base64 -w0; printf " "; printf %s "$X" | base64 -w0; exit 0\n' + command
    with tempfile.TemporaryDirectory() as top:
        os.mkdir(top + "/ws")
        step = Wrapped(top + "/step", dict(step_of(top + "/ws", whole), environment={"X": value}))
        assert step.run() == 0, step.stderr
    assert [base64.b64decode(word).decode() for word in step.stdout.split(b" ")] == [whole, value]


@settings(max_examples=6, deadline=None)
@given(tree=st.dictionaries(names, st.binary(max_size=200), min_size=1, max_size=5), new=names)
@example(tree={b"%\\": b"one", b"%\n": b"two", b"\\ %0A": b"three"}, new=b"new")
def test_names_and_contents_survive_the_way_there_and_back(tree, new):
    with tempfile.TemporaryDirectory() as top:
        ws = os.fsencode(top) + b"/ws"
        os.makedirs(ws + b"/deep")
        for name, content in tree.items():
            for place in (ws, ws + b"/deep"):
                Path(os.fsdecode(place + b"/" + name)).write_bytes(content)
        # each file there is told of by its own bytes, then copied to another directory and removed
        step = Wrapped(top + "/step", step_of(os.fsdecode(ws), "mkdir out && cp -p deep/* deep/.[!.]* out/ 2>/dev/null; rm -r deep"))
        assert step.run() in (0,), step.stderr
        assert step.merge() == []
        left = {name: (ws + b"/" + name) for name in os.listdir(ws)}
        assert b"deep" not in left or b"deep" in tree
        for name, content in tree.items():
            if name not in (b"deep", b"out"):
                assert Path(os.fsdecode(ws + b"/" + name)).read_bytes() == content
        copied = {n: Path(os.fsdecode(ws + b"/out/" + n)).read_bytes() for n in os.listdir(ws + b"/out")}
        assert copied.items() <= tree.items()


def test_kinds_and_modes_come_back(tmp_path):
    ws = tmp_path / "ws"
    (ws / "a/empty").mkdir(parents=True)
    (ws / "run").write_text("#!/bin/sh\n")
    (ws / "run").chmod(0o755)
    (ws / "a/link").symlink_to("../run")
    os.mkfifo(ws / "pipe")
    command = "test -d a/empty && test -x run && test -L a/link && test ! -e pipe || exit 9; ln -s nowhere new; mkdir -m 555 ro; chmod 600 run; head -c 20000000 /dev/zero >big"
    step = Wrapped(tmp_path / "step", step_of(ws, command))
    assert step.run() == 0, step.stderr
    assert step.merge() == []
    assert os.readlink(ws / "new") == "nowhere"
    assert [stat.S_IMODE((ws / name).stat().st_mode) for name in ("ro", "run")] == [0o755, 0o600]
    assert (ws / "big").stat().st_size == 20000000
    assert step.merge() == []


def test_what_goes_with_a_job_is_nobody_elses(tmp_path):
    (tmp_path / "ws").mkdir()
    step = Wrapped(tmp_path / "step", dict(step_of(tmp_path / "ws", "cat /dev/null"), secrets={"k": b"\xff\0s"}))
    assert stat.S_IMODE((step.directory / "step.env").stat().st_mode) == 0o600
    line = sourced((step.directory / "step.env").read_text(), "secrets_b64")[0]
    assert [base64.b64decode(word) for word in line.split(" ")] == [b"k", b"\xff\0s"]


@pytest.mark.parametrize("name", ["1a", "a b", "", "a=b", "a;b"])
def test_no_variable_is_smuggled_in(name):
    with pytest.raises(ValueError):
        inputs.check_environment({name: "x"})


def returned(tmp_path, before, after, deleted=()):
    """Run a step that makes `after` of a workspace that was `before`; others' changes come in between."""
    ws = tmp_path / "ws"
    ws.mkdir(exist_ok=True)
    for name, text in before.items():
        (ws / name).write_text(text)
    command = "".join("printf %s '{}' >{}\n".format(text, name) for name, text in after.items())
    step = Wrapped(tmp_path / "step", step_of(ws, command + "".join("rm {}\n".format(name) for name in deleted)))
    assert step.run() == 0, step.stderr
    return ws, step


def test_what_another_step_changed_meanwhile_is_kept(tmp_path):
    ws, step = returned(tmp_path, {"both": "1", "mine": "1", "gone": "1"}, {"both": "2", "mine": "2"}, ["gone"])
    (ws / "both").write_text("theirs")
    (ws / "gone").write_text("theirs")
    step.writers[b"both"] = "other/step"
    notes = step.merge()
    assert {p.name: p.read_text() for p in ws.iterdir()} == {
        "both": "2", "both.~other_step~": "theirs", "mine": "2", "gone": "theirs",
    }
    assert len(notes) == 2 and "kept as both.~other_step~" in notes[1] and "gone was removed by step" in notes[0]
    assert step.writers[b"both"] == "step"


def test_a_step_writes_no_file_through_a_link_that_came_meanwhile(tmp_path):
    (tmp_path / "outside").mkdir()
    ws = tmp_path / "ws"
    ws.mkdir()
    step = Wrapped(tmp_path / "step", step_of(ws, "mkdir d; echo x >d/f"))
    assert step.run() == 0
    (ws / "d").symlink_to(tmp_path / "outside")
    # the link is another one's file: it is moved away, and nothing followed it
    step.merge()
    assert os.listdir(tmp_path / "outside") == []
    assert (ws / "d/f").read_text() == "x\n" and not (ws / "d").is_symlink()


@pytest.mark.parametrize("path", ["../out", "/etc/out", "a/../../out"])
def test_an_archive_that_leads_out_is_refused(tmp_path, path):
    import io
    import tarfile

    (tmp_path / "ws").mkdir()
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        info = tarfile.TarInfo(path)
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))
    with pytest.raises(MergeError, match="outside of its workspace"):
        Merge(tmp_path / "ws", {}, "evil", {}).run(str(tmp_path / "evil.tar"), [])
    with pytest.raises(MergeError):
        Merge(tmp_path / "ws", {}, "evil", {}).remove(os.fsencode(path))
    assert not (tmp_path / "out").exists()


def test_a_torn_archive_is_an_error(tmp_path):
    ws, step = returned(tmp_path, {}, {"f": "x" * 3000})
    archive = step.directory / "changed.tar"
    archive.write_bytes(archive.read_bytes()[:1000])
    with pytest.raises(MergeError, match="can't be unpacked"):
        step.merge()
    assert os.listdir(ws) == []


def test_the_manifest_is_read_as_it_was_written(tmp_path):
    (tmp_path / "ws/d").mkdir(parents=True)
    (tmp_path / "ws/d/f").write_text("x")
    step = Wrapped(tmp_path / "step", step_of(tmp_path / "ws", "true"))
    items = items_of((step.directory / "manifest").read_bytes())
    assert [(i.path, i.kind, i.size) for i in items.values()] == [(b"d", b"d", 0), (b"d/f", b"f", 1)]
    assert step.size == 1
