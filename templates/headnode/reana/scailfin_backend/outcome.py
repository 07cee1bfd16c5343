"""The end of a step: its files are brought back, its log is kept, its job leaves the pool."""

import os
import shutil
from collections import namedtuple

from . import logs, report, schedd
from .files import OddFile, items_of, open_plain
from .manager import PoolJobManager, parts
from .merge import Merge, MergeError
from .submit import directory_of, forget_manifest, manifest_of

# state: finished or failed; log: what REANA keeps
Result = namedtuple("Result", "state log")

# how often bringing back a step's files may fail while the pool answers
MAX_TRIES = 5

_tries = {}
# by workspace: the last writer of each file
_writers = {}


def of_ended(job, ad):
    """Return the outcome of a step that ended by itself; None: ask again later."""
    _, step = parts(job["backend_job_id"])
    failure = fetched(job, outputs=True)
    if failure is None:
        return None
    if failure:
        return Result("failed", logs.text(step, [failure]))
    try:
        said = report_of(step)
    except (OddFile, OSError, ValueError) as error:
        return Result("failed", logs.text(step, ["what it says of its end can't be read: {}".format(error)]))
    is_well, reason = report.outcome(ad, said)
    notes = list(job["obj"].notes)
    if said and said.exit is not None:
        try:
            notes += merged(job["obj"], step, said)
        except (MergeError, OddFile, OSError, ValueError) as error:
            is_well, reason = False, "its output could not be brought back: {}".format(error)
    return Result("finished" if is_well else "failed", logs.text(step, notes + ([reason] if reason else [])))


def of_failed(job, reason, ad):
    """Return the outcome of a step whose job the pool stopped; None: ask again later."""
    _, step = parts(job["backend_job_id"])
    # A step that never began has no output. The schedd itself counts the shadows; NumJobStarts comes from the shadow, which
    # tells it late (SHADOW_LAZY_QUEUE_UPDATE): a step that was just held or removed may have printed and still have none
    failure = fetched(job) if ad.get("NumShadowStarts") else ""
    if failure is None:
        return None
    return Result("failed", logs.text(step, job["obj"].notes + [reason] + ([failure] if failure else [])))


def of_missing(job):
    """Return the outcome of a step whose job is not in the queue; its files are lost with it."""
    number, step = parts(job["backend_job_id"])
    found = schedd.ask("past", job=number)["jobs"]
    reason = found[0].get("RemoveReason") if found else None
    gone = "it was removed from the pool, and its files with it" if found else "its job vanished from the pool"
    return Result("failed", logs.text(step, [gone + (": " + reason if reason else "")]))


def clear(job):
    """Remove a job whose outcome was reported."""
    number, step = parts(job["backend_job_id"])
    shutil.rmtree(directory_of(step), ignore_errors=True)
    forget_manifest(step)
    _tries.pop(step, None)
    try:
        schedd.ask("collected", job=number)
    except schedd.ScheddError:
        # it is removed when the pool answers again
        PoolJobManager.abandoned.add(step)


def fetched(job, outputs=False):
    """Bring a step's files here. Returns an empty text, or why they never come; None: they may come later."""
    number, step = parts(job["backend_job_id"])
    try:
        logs.fetch(number, step, outputs)
        return ""
    except schedd.ScheddError as error:
        _tries[step] = _tries.get(step, 0) + 1
        if _tries[step] < MAX_TRIES:
            return None
        return "its files could not be brought back: {}".format(error)


def report_of(step):
    """Return the wrapper's report, or None."""
    try:
        with open_plain(os.path.join(directory_of(step), "report"), report.MOST_BYTES) as file:
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    return report.parse(text, len(before_of(step)))


def before_of(step):
    """Return the entries that the step got, by path."""
    with open(manifest_of(step), "rb") as file:
        return items_of(file.read())


def merged(manager, step, said):
    """Merge a step's output into its workspace. Returns notes about it."""
    workspace = manager.workflow_workspace
    merge = Merge(workspace, before_of(step), manager.job_name or "step", _writers.setdefault(workspace, {}))
    return merge.run(os.path.join(directory_of(step), "changed.tar"), said.deleted)
