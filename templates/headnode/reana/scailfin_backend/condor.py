"""HTCondor's own client, in a process of its own for each question: its bindings hold the interpreter while they wait,
keep what they were configured with, and can't be given up when the schedd is silent.

python -m scailfin_backend.condor VERB: a JSON object in, a JSON object out.
"""

import json
import sys

import htcondor2

SHOWN = ["ScailfinStep", "ClusterId", "ProcId", "JobStatus", "HoldReason", "HoldReasonCode", "RemoveReason"]
SHOWN += ["ExitCode", "ExitBySignal", "ExitSignal", "NumJobStarts", "NumShadowStarts", "LastRemoteHost"]
# HoldReasonCode: waiting for its files to be spooled (HTCondor manual, "Job ClassAd Attributes")
SPOOLING = 16
MISSING = "No such file or directory"


class NoSchedd(Exception):
    """The pool has no schedd, or more than one and no name was given."""


def schedd_of(pool, name):
    """Ask the collector each time, because a restarted schedd has another address."""
    ads = htcondor2.Collector(pool).query(htcondor2.AdType.Schedd, projection=["Name", "MyAddress", "CondorVersion"])
    named = [ad for ad in ads if not name or ad["Name"].split("@")[0] == name or ad["Name"] == name]
    if len(named) != 1:
        names = ", ".join(ad["Name"] for ad in ads) or "none"
        raise NoSchedd("the pool's schedd {}can't be determined: the pool has {}".format(name + " " if name else "", names))
    return htcondor2.Schedd(named[0])


def submit(schedd, step, description):
    """Submit a step and hand over its files, unless it is in the queue already.

    A job whose files were not handed over never ran and never will, so it is removed.
    """
    constraint = 'ScailfinStep == "{}"'.format(step)
    for job in jobs(schedd, constraint):
        if job["JobStatus"] != 5 or job.get("HoldReasonCode") != SPOOLING:
            return {"job": id_of(job)}
        schedd.act(htcondor2.JobAction.RemoveX, [id_of(job)], reason="its files never came")
    result = schedd.submit(htcondor2.Submit(description), spool=True)
    schedd.spool(result)
    return {"job": "{}.{}".format(result.cluster(), result.first_proc())}


def query(schedd, workflows, lease=None):
    """Return all steps of workflows; with a lease, tell their jobs that somebody still waits for them."""
    constraint = 'stringListMember(ScailfinWorkflow, "{}")'.format(",".join(workflows))
    found = jobs(schedd, constraint)
    if lease is not None and found:
        schedd.edit(constraint, "ScailfinLease", str(int(lease)))
    return {"jobs": found}


def past(schedd, job):
    """Return a job that left the queue, as the history has it."""
    return {"jobs": [plain(ad) for ad in schedd.history(the(job), SHOWN, 1)]}


def retrieve(schedd, job, outputs):
    """Bring a job's streams, and its output files if it ended, to the directory it was submitted from."""
    set_streams(schedd, job, "false")
    try:
        schedd.retrieve([job])
    except htcondor2.HTCondorException as error:
        # of a job that has not ended, the streams are all there is, and they did arrive
        if outputs or MISSING not in str(error):
            raise
    finally:
        # the job may still run
        set_streams(schedd, job, "true")
    return {}


def set_streams(schedd, job, value):
    """Set whether the schedd receives a job's streams while it runs: only files that do not grow are sent."""
    for name in ("StreamOut", "StreamErr"):
        schedd.edit([job], name, value)


def collected(schedd, job):
    """Let a job leave the queue, if it is there, because nobody needs its files any more."""
    if jobs(schedd, the(job)):
        schedd.edit([job], "ScailfinCollected", "true")
        schedd.act(htcondor2.JobAction.Remove, [job], reason="its outcome is known")
    return {}


def remove(schedd, job, reason):
    """Remove a job; if it is gone already, that is fine."""
    schedd.act(htcondor2.JobAction.Remove, [job], reason=reason)
    return {"jobs": jobs(schedd, the(job))}


def the(job):
    """Return the constraint that one job meets."""
    return "ClusterId == {} && ProcId == {}".format(*job.split("."))


def jobs(schedd, constraint):
    """Return jobs of the queue as plain dictionaries."""
    return [plain(ad) for ad in schedd.query(constraint, SHOWN)]


def plain(ad):
    """Return the attributes of an ad that have a value; the bindings have their own type for undefined."""
    values = {name: ad.get(name) for name in SHOWN}
    return {name: value for name, value in values.items() if type(value) in (str, bool, int, float)}


def id_of(job):
    """Return CLUSTER.PROC."""
    return "{}.{}".format(job["ClusterId"], job["ProcId"])


VERBS = {verb.__name__: verb for verb in (submit, query, past, retrieve, collected, remove)}


def main():
    """Answer one question."""
    asked = json.load(sys.stdin)
    # details that its exceptions leave out are printed on stderr
    htcondor2.enable_debug()
    try:
        schedd = schedd_of(asked.pop("pool"), asked.pop("name"))
        answer = VERBS[sys.argv[1]](schedd, **asked)
    except Exception as error:  # whatever the bindings raise is the answer
        answer = {"error": str(error) or repr(error), "kind": type(error).__name__}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
