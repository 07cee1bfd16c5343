"""What the wrapper wrote down of a step, and what became of it."""

import base64
import re
from collections import namedtuple

# exit: the step's own status, None where it was never run. deleted: paths, bytes
Report = namedtuple("Report", "exit deleted values")

# the wrapper's own statuses; a step's own status of that number comes with a report that names it
CLASSES = {
    160: "no container runtime works",
    161: "its image is not there, or could not be converted",
    162: "a file it needs did not arrive as it was when the step was submitted",
    163: "what it made could not be brought back",
    164: "the launcher of parallel programs failed",
    165: "the disk is full",
    166: "the wrapper itself failed",
}


# what an honest one has: a line for each file that the step removed
MOST_BYTES, MOST_SAID = 64 << 20, 500


def parse(text):
    """Read key=value lines; deleted= comes once per path, in base64.

    :raises ValueError: for a path that can't be read.
    """
    values, deleted = {}, []
    for line in text.split("\n"):
        key, equals, value = line.partition("=")
        if equals and key == "deleted":
            deleted.append(base64.b64decode(value, validate=True))
        elif equals:
            values[key] = "".join(c if c.isprintable() else " " for c in value[:MOST_SAID])
    status = values.get("exit", "")
    return Report(int(status) if re.fullmatch("[0-9]{1,3}", status) else None, deleted, values)


def outcome(job, report):
    """Return (has it finished well, why not) of a step whose job ended by itself.

    :param job: dict with ExitCode, ExitBySignal, ExitSignal as HTCondor has them.
    :param report: Report, or None where there is none.
    """
    if job.get("ExitBySignal") is True:
        return False, "signal {} ended it".format(job.get("ExitSignal"))
    status = job.get("ExitCode")
    said = report.values.get("message") if report else None
    own = report.exit if report else None
    # the wrapper's word counts above the step's: a step that went well and whose output is lost has failed
    if status in CLASSES and own != status:
        node = report.values.get("node") if report else None
        there = "on {}: ".format(node) if node else ""
        return False, there + (said or CLASSES[status])
    if own is None:
        return False, "it ended with status {} and no report".format(status)
    return own == 0, None if own == 0 else "its command ended with status {}".format(own)
