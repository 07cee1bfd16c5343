"""Tries what a token for steps must not be good for: intruder.py JOB-OF-THE-OWNER. Prints what became of it."""

import json
import os
import subprocess
import sys

import conftest  # noqa: F401  (the path)
from scailfin_backend import settings

if "CONDOR_CONFIG" not in os.environ or os.environ["CONDOR_CONFIG"] == "/dev/null":
    # as the backend's own client is told
    sys.exit(subprocess.call([sys.executable, *sys.argv], env=dict(settings.client_environment(), POOL=settings.pool(),
             STEP=settings.wrapper())))

import classad2  # noqa: E402
import htcondor2  # noqa: E402
from scailfin_backend import condor  # noqa: E402

schedd = condor.schedd_of(os.environ["POOL"], "")
# a step as the backend describes it
GOOD = {"executable": os.environ["STEP"], "output": "out", "error": "err", "transfer_output_files": "changed.tar, report",
        "should_transfer_files": "YES", "when_to_transfer_output": "ON_EXIT", "+ScailfinIntruder": "True"}


def refused(spool=True, **more):
    """Tell whether such a job is let in."""
    try:
        schedd.submit(htcondor2.Submit(dict(GOOD, **more)), spool=spool)
        return "let in"
    except htcondor2.HTCondorException:
        return "refused"


said = {
    "scheduler universe": refused(universe="scheduler"),
    "local universe": refused(universe="local"),
    "grid universe": refused(universe="grid", grid_resource="batch slurm"),
    "not spooled": refused(spool=False),
    "I/O proxy": refused(**{"+WantIOProxy": "True"}),
    "a file of the headnode's": refused(output="/home/scail/.bashrc"),
    "an event log": refused(log="/home/scail/.bashrc"),
    "other outputs": refused(transfer_output_files="/etc/passwd"),
}

owners = sys.argv[1]
for verb in (htcondor2.JobAction.Remove, htcondor2.JobAction.Hold):
    try:
        schedd.act(verb, [owners])
    except htcondor2.HTCondorException:
        pass
status = [ad["JobStatus"] for ad in schedd.query(condor.the(owners), ["JobStatus"])]
said["the owner's job"] = "untouched" if status and status[0] in (1, 2) else str(status)

# one that was let in; its files are not handed over yet
mine = condor.the("{}.0".format(schedd.submit(htcondor2.Submit(GOOD), spool=True).cluster()))
wanted = {name: '"/home/scail/.ssh/id_rsa"' for name in ("Cmd", "Iwd", "In", "Out", "Err", "TransferInput", "TransferOutput")}
wanted.update(SpooledOutputFiles='"/etc/passwd"', UserLog='"/tmp/x"', X509UserProxy='"/tmp/x"', WantIOProxy="True")
wanted.update(JobUniverse="7", JobStatus="1", HoldReasonCode="1", Owner='"scail"', User='"scail@x"')
before = schedd.query(mine)[0]
was = {name: str(before.get(name)) for name in wanted}
for name, value in wanted.items():
    try:
        schedd.edit(mine, name, value)
    except htcondor2.HTCondorException:
        pass
schedd.act(htcondor2.JobAction.Release, mine)
now = schedd.query(mine)[0]
said["changed"] = [name for name in wanted if str(now.get(name)) != was[name]]

ad = classad2.ClassAd({"MyType": "Machine", "Name": "intruder", "MyAddress": "<127.0.0.1:1>"})
try:
    htcondor2.Collector(os.environ["POOL"]).advertise([ad], "UPDATE_STARTD_AD", True)
    found = htcondor2.Collector(os.environ["POOL"]).query(htcondor2.AdType.Startd, 'Name == "intruder"')
    said["advertised"] = "accepted" if found else "refused"
except htcondor2.HTCondorException:
    said["advertised"] = "refused"
print(json.dumps(said))
