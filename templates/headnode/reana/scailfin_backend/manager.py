"""REANA's interface for one job: how it is submitted, read, and stopped."""

import logging
import os
import shutil
import threading
import time
import uuid

from reana_commons.k8s.secrets import REANAUserSecretsStore
from reana_job_controller.errors import ComputingBackendSubmissionError
from reana_job_controller.job_db import JOB_DB, store_job_logs, update_job_status
from reana_job_controller.job_manager import JobManager

from . import hints, inputs, logs, schedd, settings, submit

BACKEND = "htcondorvc3"
# REANA's client knows only these four names: those that mean an HPC system mean this backend here
BACKENDS = (BACKEND, "htcondorcern", "slurmcern", "compute4punch")
# the final states in REANA, and those in HTCondor that a removed job may have
ENDS = ("finished", "failed", "stopped")
GONE = (3, 4)
STOP_SECONDS = 30


# a job has one end: the first that was reported
telling = threading.RLock()


class PoolJobManager(JobManager):
    """A job that is a step on the pool. Its id there is CLUSTER.PROC/STEP."""

    # steps given up while the pool could not be asked: they are removed if they show up
    abandoned = set()
    # steps that somebody is stopping: the monitor does not report their end
    stopping = set()
    # all workflows that have steps here; a job controller has one
    workflows = set()

    def __init__(
        self,
        docker_img="",
        cmd="",
        prettified_cmd="",
        env_vars=None,
        workflow_uuid=None,
        workflow_workspace=None,
        cvmfs_mounts="false",
        shared_file_system=False,
        job_name=None,
        **kwargs,
    ):
        """Take a job as the REST interface has it; kwargs are the hints of the specification."""
        super().__init__(
            docker_img=docker_img,
            cmd=cmd,
            prettified_cmd=prettified_cmd,
            env_vars=dict(env_vars or {}),
            workflow_uuid=workflow_uuid,
            workflow_workspace=workflow_workspace,
            job_name=job_name,
        )
        self.compute_backend = BACKEND
        self.cvmfs_mounts = cvmfs_mounts
        self.shared_file_system = shared_file_system
        self.hints = kwargs
        self.step = submit.new_id()
        self.notes = hints.notes_of(kwargs)

    @JobManager.execution_hook
    def execute(self):
        """Submit the step. Returns its id; the text of an error is reported to the workflow engine."""
        if not self.cmd.strip():
            raise ValueError("the step {} has no command".format(self.job_name))
        resources = hints.resources_of(self.hints)
        variables, files = secrets()
        environment = dict(variables, **{name: str(value) for name, value in self.env_vars.items()})
        inputs.check_environment(environment)
        workflow = str(uuid.UUID(str(self.workflow_uuid)))
        self.workflows.add(workflow)
        step = {
            "id": self.step,
            "workflow": workflow,
            "name": self.job_name or "step",
            "workspace": self.workflow_workspace,
            "image": self.docker_img,
            "command": self.cmd,
            "environment": environment,
            "secrets": files,
            "cvmfs": hints.repositories_of(self.cvmfs_mounts),
        }
        try:
            return "{}/{}".format(submit.submit(step, resources), self.step)
        except schedd.ScheddError:
            self.abandoned.add(self.step)
            raise

    @classmethod
    def get_logs(cls, backend_job_id, **kwargs):
        """Return what the step has printed. Never raises, because upstream stops a job only after it has its logs."""
        job, step = parts(backend_job_id)
        try:
            logs.fetch(job, step)
            return logs.text(step, [])
        except Exception as error:  # upstream would not stop a job whose logs it can't get
            return logs.text(step, ["what it printed could not be fetched: {}".format(error)])

    @classmethod
    def stop(cls, backend_job_id):
        """Remove a step from the pool, and return when this is done. If it is over already, that is fine.

        :raises ComputingBackendSubmissionError: when the pool did not say so.
        """
        job, step = parts(backend_job_id)
        cls.stopping.add(step)
        try:
            found = removed(job)
            if found:
                printed = cls.get_logs(backend_job_id)
                schedd.ask("collected", job=job)
                shutil.rmtree(submit.directory_of(step), ignore_errors=True)
                submit.forget_manifest(step)
            job_id = reana_id_of(backend_job_id)
            if found and job_id:
                end(job_id, "stopped", printed)
        except (schedd.ScheddError, settings.SettingsError) as error:
            raise ComputingBackendSubmissionError(str(error))
        finally:
            cls.stopping.discard(step)


def removed(job):
    """Remove a job and wait until the schedd confirms it. Returns whether the job was there."""
    until = time.monotonic() + STOP_SECONDS
    while True:
        found = schedd.ask("remove", job=job, reason="stopped by REANA")["jobs"]
        if all(ad["JobStatus"] in GONE for ad in found):
            return bool(found)
        if time.monotonic() > until:
            raise schedd.ScheddError("the job {} is still in the pool {} s after its removal".format(job, STOP_SECONDS))
        time.sleep(0.5)


def secrets():
    """Return the user's secrets, variables and files, but not the pool's token, which steps must not have."""
    variables = {}
    if os.getenv("REANA_USER_ID"):
        named = REANAUserSecretsStore(os.environ["REANA_USER_ID"]).get_env_secrets_as_k8s_spec()
        # the workflow controller has put their values into our environment
        variables = {secret["name"]: os.environ.get(secret["name"], "") for secret in named}
    files = {}
    if settings.SECRETS.is_dir():
        files = {path.name: path.read_bytes() for path in settings.SECRETS.iterdir() if path.is_file()}
    variables.pop(settings.TOKEN_VARIABLE, None)
    files.pop(settings.TOKEN_FILE, None)
    return variables, files


def parts(backend_job_id):
    """Return (CLUSTER.PROC, STEP)."""
    job, _, step = backend_job_id.partition("/")
    return job, step


def reana_id_of(backend_job_id):
    """Return REANA's id of a job, or None."""
    known = [job_id for job_id, job in list(JOB_DB.items()) if job.get("backend_job_id") == backend_job_id]
    if not known:
        logging.warning("Nobody knows the job %s", backend_job_id)
    return known[0] if known else None


def end(job_id, state, log):
    """Report how a job ended, unless this was reported; the log first, as the workflow engine acts on the state."""
    with telling:
        if not is_over(JOB_DB[job_id]):
            store_job_logs(job_id, log)
            update_job_status(job_id, state)
            JOB_DB[job_id]["deleted"] = True


def is_over(job):
    """Return whether a job's outcome is known."""
    return job["deleted"] or job["status"] in ENDS
