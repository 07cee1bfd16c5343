"""The wrapper's report about a step, and the step's outcome."""

import base64
import re
from collections import namedtuple

from .words import in_line

# exit: the step's own status, None where it was never run. deleted: paths, bytes
Report = namedtuple("Report", "exit deleted values")

# the wrapper's own statuses; if a step itself ends with such a status, the report names it
CLASSES = {
    160: "no container runtime works",
    161: "its image does not exist, or could not be converted",
    162: "an input file did not arrive as it was when the step was submitted",
    163: "its output could not be brought back",
    164: "the launcher of parallel programs failed",
    165: "the disk is full",
    166: "the wrapper itself failed",
}


# limits of an honest report: one line per file that the step removed, and a few more
MOST_BYTES, MOST_VALUES = 64 << 20, 100


def parse(text, most_deleted=None):
    """Read key=value lines; deleted= comes once per path, in base64.

    :param most_deleted: the number of entries that the step found; it can't have deleted more.
    :raises ValueError: for a path that can't be read, and for more paths than there were.
    """
    values, deleted = {}, []
    for line in text.split("\n"):
        key, equals, value = line.partition("=")
        if equals and key == "deleted":
            deleted.append(base64.b64decode(value, validate=True))
            if most_deleted is not None and len(deleted) > most_deleted:
                raise ValueError("its report names more deleted files than there were")
        elif equals and key and len(values) < MOST_VALUES:
            values[key] = value
    status = values.get("exit", "")
    return Report(int(status) if re.fullmatch("[0-9]{1,3}", status) else None, deleted, values)


def outcome(job, report):
    """Return (whether it finished well, why not) for a step whose job ended by itself.

    :param job: dict with ExitCode, ExitBySignal, ExitSignal, LastRemoteHost as HTCondor has them.
    :param report: Report, or None where there is none.
    """
    # the pool's name for it, not the node's own
    node = job.get("LastRemoteHost", "").rpartition("@")[2]
    there = " on " + node if node else ""
    if job.get("ExitBySignal") is True:
        return False, "signal {} ended it{}".format(job.get("ExitSignal"), there)
    status = job.get("ExitCode")
    said = report.values.get("message") if report else None
    own = report.exit if report else None
    # the wrapper's status takes precedence: a successful step whose output was lost has failed
    if status in CLASSES and own != status:
        if not said:
            return False, CLASSES[status] + there
        said, hint = in_line(said), report.values.get("hint")
        if node and said.startswith("this node "):
            said = "node {} {}".format(node, said[len("this node ") :])
        elif node:
            said = "on {}: {}".format(node, said)
        return False, said + (". " + in_line(hint) if hint else "")
    if own is None:
        return False, "it ended{} with status {} and no report".format(there, status)
    return own == 0, None if own == 0 else "its command ended with status {}".format(own)
