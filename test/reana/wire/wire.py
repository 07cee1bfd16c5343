"""Runs the vectors by the backend of REANA's job controller: JSON in, a list of what came out for each vector.

python wire.py manifest|report|merge
"""

import json
import os
import sys
import tarfile

from scailfin_backend import inputs, report
from scailfin_backend.files import OddFile, items_of, manifest_text
from scailfin_backend.merge import Merge, MergeError


def manifest(vector):
    """Return the manifest of a workspace."""
    with open(os.devnull, "wb") as nothing, tarfile.open(fileobj=nothing, mode="w") as archive:
        return manifest_text(sorted(inputs.pack(os.fsencode(vector["workspace"]), archive))).decode()


def of_report(vector):
    """Return what became of a step."""
    signal, status = vector["job"].get("signal"), vector["job"].get("exitCode")
    job = {"ExitBySignal": signal is not None, "ExitSignal": signal, "ExitCode": status}
    if "node" in vector:
        job["LastRemoteHost"] = "slot1_2@" + vector["node"]
    try:
        said = vector["report"] and report.parse(vector["report"], vector.get("before"))
    except ValueError as error:
        return {"fails": str(error)}
    is_well, reason = report.outcome(job, said or None)
    deleted = [os.fsdecode(path) for path in said.deleted] if said else []
    return {"state": "finished" if is_well else "failed", "reason": reason, "deleted": deleted}


def merge(vector):
    """Return the notes of a merge, or why it failed."""
    writers = {os.fsencode(path): name for path, name in vector.get("writers", {}).items()}
    before = items_of(vector["manifest"].encode())
    try:
        deleted = [os.fsencode(path) for path in vector.get("deleted", [])]
        return {"notes": Merge(vector["workspace"], before, "fit", writers).run(vector["archive"], deleted)}
    except (MergeError, OddFile) as error:
        return {"fails": str(error)}


json.dump([{"manifest": manifest, "report": of_report, "merge": merge}[sys.argv[1]](v) for v in json.load(sys.stdin)], sys.stdout)
