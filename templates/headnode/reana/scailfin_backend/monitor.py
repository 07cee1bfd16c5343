"""REANA's interface for all jobs: a thread that reports their states."""

import logging
import time

from reana_job_controller.job_db import JOB_DB, update_job_status
from reana_job_controller.job_monitor import JobMonitor
from reana_job_controller.utils import singleton

from . import outcome, schedd, settings
from .manager import BACKENDS, ENDS, PoolJobManager, end, is_over, parts, telling

# HTCondor's JobStatus
IDLE, RUNNING, REMOVED, COMPLETED, HELD, TRANSFERRING, SUSPENDED = 1, 2, 3, 4, 5, 6, 7
# HoldReasonCode: its files are being transferred
SPOOLING = 16
MAX_STARTS = 3
# how many queries in a row must miss a job; the first one may have been made before the job was there
MAX_MISSING = 3
RENEWALS_PER_LEASE = 8


class PoolJobMonitor(JobMonitor):
    """Asks about all steps in one query every few seconds; the event logs of spooled jobs are at the schedd."""

    def __init__(self, app=None, **kwargs):
        """Start the thread."""
        # the state of each job that was reported last; the REST interface reports another one at first
        self.told = {}
        self.missing = {}
        self.lease = 0
        super().__init__(thread_name="scailfin_job_monitor", app=app)

    def watch_jobs(self, job_db, app):
        """Ask again and again."""
        while True:
            try:
                self.look(job_db)
            except (schedd.ScheddError, settings.SettingsError) as error:
                # unknown is not gone
                logging.warning("The steps' states are not known: %s", error)
            except Exception:
                logging.exception("Unexpected error")
            time.sleep(settings.poll_seconds())

    def admit(self):
        """Correct the first state of a new job: the REST interface reports it as running."""
        with telling:
            for job_id, job in list(JOB_DB.items()):
                state = self.told.setdefault(job_id, "queued") if is_ours(job) else job["status"]
                if job["status"] not in ENDS and job["status"] != state:
                    update_job_status(job_id, state)

    def tell(self, job_id, state):
        """Report the state of a job that is not over, if it has changed."""
        with telling:
            self.told[job_id] = state
            if JOB_DB[job_id]["status"] != state and not is_over(JOB_DB[job_id]):
                update_job_status(job_id, state)

    def look(self, job_db):
        """Ask the schedd once, and report what follows."""
        waiting = {job_id: job for job_id, job in list(job_db.items()) if is_ours(job) and not is_over(job)}
        if not waiting and not PoolJobManager.abandoned:
            return
        found = {ad["ScailfinStep"]: ad for ad in self.ask()}
        for job_id, job in waiting.items():
            step = parts(job["backend_job_id"])[1]
            if step in PoolJobManager.stopping:
                continue
            try:
                self.follow(job_id, job, found.get(step))
            except Exception:  # the states of the others are still known
                logging.exception("What became of the job %s is not known", job_id)
        for step in PoolJobManager.abandoned & set(found):
            ad = found[step]
            schedd.ask("collected", job="{}.{}".format(ad["ClusterId"], ad["ProcId"]))
            PoolJobManager.abandoned.discard(step)

    def ask(self):
        """Return all jobs of our workflows, and renew their leases now and then."""
        now, lease = time.time(), settings.lease_seconds()
        until = now + lease if now > self.lease else None
        workflows = sorted(PoolJobManager.workflows)
        found = schedd.ask("query", workflows=workflows, lease=until)["jobs"]
        if until:
            self.lease = now + lease / RENEWALS_PER_LEASE
        return found

    def follow(self, job_id, job, ad):
        """Handle a job's ad."""
        self.missing[job_id] = 0 if ad else self.missing.get(job_id, 0) + 1
        if ad is None:
            result = outcome.of_missing(job) if self.missing[job_id] >= MAX_MISSING else None
        elif ad["JobStatus"] in (RUNNING, TRANSFERRING, SUSPENDED):
            return self.tell(job_id, "running")
        elif ad["JobStatus"] == COMPLETED:
            result = outcome.of_ended(job, ad)
        elif ad["JobStatus"] == REMOVED:
            result = outcome.of_failed(job, "it was removed from the pool", ad)
        elif ad["JobStatus"] == HELD and ad.get("HoldReasonCode") != SPOOLING:
            result = outcome.of_failed(job, "HTCondor held it: {}".format(ad.get("HoldReason", "no reason given")), ad)
        elif ad["JobStatus"] == IDLE and ad.get("NumJobStarts", 0) >= MAX_STARTS:
            result = outcome.of_failed(job, "its node was lost, for the {}rd time".format(MAX_STARTS), ad)
        else:
            return self.tell(job_id, "queued")
        if result:
            self.told[job_id] = result.state
            end(job_id, result.state, result.log)
            outcome.clear(job)


def is_ours(job):
    """Return whether a job of REANA is a step on the pool, by whatever backend name."""
    return job["compute_backend"] in BACKENDS


only = singleton(PoolJobMonitor)


def watch(**kwargs):
    """The function that the REST interface calls after each submission."""
    monitor = only(**kwargs)
    monitor.admit()
    return monitor
