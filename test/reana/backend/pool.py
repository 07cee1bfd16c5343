"""Stands in for the schedd behind `schedd.ask`: jobs are what a test makes of them. It takes and gives what the real one
takes and gives (test/reana/backend-pool.test.ts has that), and fails where it would."""

import os
from itertools import count

from scailfin_backend.schedd import ScheddError, ScheddRefused

IDLE, RUNNING, REMOVED, COMPLETED, HELD = 1, 2, 3, 4, 5


class Pool:
    """A queue of one schedd."""

    def __init__(self):
        """Begin with no jobs."""
        self.numbers = count(1)
        self.jobs, self.history, self.descriptions, self.leases, self.asked = {}, {}, [], [], []
        # verb to what it raises, before or after it was done
        self.fails_before, self.fails_after = {}, {}

    def ask(self, verb, seconds=60, **values):
        """Do one thing, as the real client would."""
        self.asked.append(verb)
        if self.fails_before.get(verb):
            raise self.fails_before[verb].pop(0)
        answer = getattr(self, verb)(**values)
        if self.fails_after.get(verb):
            raise self.fails_after[verb].pop(0)
        return answer

    def submit(self, step, description):
        """Take a step that has all of its files, once."""
        for number, ad in self.jobs.items():
            if ad["ScailfinStep"] == step:
                return {"job": number}
        directory = description["initialdir"]
        for name in description["transfer_input_files"].split(", "):
            assert os.path.isfile(os.path.join(directory, name)), name
        assert os.stat(directory).st_mode & 0o077 == 0
        number = "{}.0".format(next(self.numbers))
        self.descriptions.append(description)
        ids = {"ClusterId": int(number[:-2]), "ProcId": 0, "ScailfinStep": step}
        self.jobs[number] = dict(ids, JobStatus=IDLE, directory=directory, workflow=description["+ScailfinWorkflow"].strip('"'))
        return {"job": number}

    def query(self, workflows, lease=None):
        """Tell of the workflows' jobs."""
        if lease:
            self.leases.append(lease)
        return {"jobs": [dict(ad) for ad in self.jobs.values() if ad["workflow"] in workflows]}

    def past(self, job):
        """Tell of a job that left."""
        return {"jobs": [self.history[job]] if job in self.history else []}

    def retrieve(self, job, outputs):
        """Bring a job's files; of one that did not end, its streams."""
        ad = self.jobs[job]
        wanted = ("out", "err", "report", "changed.tar") if outputs else ("out", "err")
        for name in wanted:
            if name in ad.get("files", {}):
                with open(os.path.join(ad["directory"], name), "wb") as file:
                    file.write(ad["files"][name])

    def remove(self, job, reason):
        """Remove a job; it waits to be collected."""
        if job in self.jobs:
            self.jobs[job].update(JobStatus=REMOVED)
        return {"jobs": [self.jobs[job]] if job in self.jobs else []}

    def collected(self, job):
        """Let a job go, if it is there."""
        if job in self.jobs:
            self.history[job] = self.jobs.pop(job)
        return {}

    def become(self, number, status, **more):
        """Make something of a job."""
        self.jobs[number].update(JobStatus=status, **more)


def away(text="the pool at 127.0.0.1:1 could not be asked: Connection refused"):
    """Return what is raised when nobody answers."""
    return ScheddError(text)


def refused(text="the pool refuses the token"):
    """Return what is raised when asking again is of no use."""
    return ScheddRefused(text)
