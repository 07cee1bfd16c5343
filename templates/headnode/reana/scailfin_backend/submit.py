"""Submits a step as a job of the pool."""

import os
import shutil
import time
import uuid

from . import inputs, schedd, settings

# seconds between tries while the pool does not answer
RETRIES = (0, 1, 2, 5, 10, 20)
KEPT_SECONDS = 10 * 86400
SPOOLING_SECONDS = 3600


def new_id():
    """Return a unique id for a step; by it a job can be found even if its number was never received."""
    return str(uuid.uuid4())


def directory_of(step):
    """Return the directory of a step's files in this pod, which exists until its outcome is known."""
    return os.path.join(str(settings.private_dir()), step)


def manifest_of(step):
    """Return the path of a step's manifest; it is outside of its directory, where returned files may have any name."""
    return directory_of(step) + ".manifest"


def forget_manifest(step):
    """Remove a step's manifest, if there is one."""
    try:
        os.unlink(manifest_of(step))
    except FileNotFoundError:
        pass


def submit(step, resources):
    """Submit a step once, however often the pool must be asked.

    :param step: dict as inputs.prepare wants it, with workflow.
    :param resources: (cores, MiB, seconds).
    :returns: the job, CLUSTER.PROC.
    :raises ScheddError: when it could not be; then its job is to be removed if it should show up.
    """
    directory = directory_of(step["id"])
    os.makedirs(directory, 0o700)
    try:
        size = inputs.prepare(directory, step)
        shutil.copyfile(os.path.join(directory, "manifest"), manifest_of(step["id"]))
        job = submitted(step["id"], description(step, resources, size))
    except Exception:
        shutil.rmtree(directory, ignore_errors=True)
        forget_manifest(step["id"])
        raise
    # the pool has its own copies now
    for name in ("step.env", "small.tar"):
        os.unlink(os.path.join(directory, name))
    return job


def submitted(step, text):
    """Ask until the pool answers; each time it first checks whether the step is there."""
    for pause in RETRIES:
        time.sleep(pause)
        try:
            return schedd.ask("submit", schedd.FILES_SECONDS, step=step, description=text)["job"]
        except schedd.ScheddRefused:
            raise
        except schedd.ScheddError as error:
            last = error
    raise last


def description(step, resources, size):
    """Return HTCondor's submit description; its ids, numbers and paths are ours, nothing comes from the user."""
    cores, memory, seconds = resources
    return {
        "universe": "vanilla",
        "executable": settings.wrapper(),
        "initialdir": directory_of(step["id"]),
        "output": "out",
        "error": "err",
        # so that both streams are at the schedd even if the job fails
        "stream_output": "True",
        "stream_error": "True",
        "should_transfer_files": "YES",
        "when_to_transfer_output": "ON_EXIT",
        "transfer_input_files": ", ".join(inputs.FILES),
        "transfer_output_files": "changed.tar, report",
        "request_cpus": str(cores),
        "request_memory": str(memory),
        # the inputs are on the same disk as the outputs
        "request_disk": "{}K".format(1024 * 1024 + 2 * size // 1024),
        "allowed_execute_duration": str(seconds),
        "keep_claim_idle": "10",
        "notification": "Never",
        "+ScailfinStep": '"{}"'.format(step["id"]),
        "+ScailfinWorkflow": '"{}"'.format(step["workflow"]),
        "+ScailfinLease": str(int(time.time()) + settings.lease_seconds()),
        # after its end or removal, its files wait to be collected
        "leave_in_queue": "(JobStatus == 3 || JobStatus == 4) && ScailfinCollected =!= True"
        " && time() - EnteredCurrentStatus < {}".format(KEPT_SECONDS),
        # nobody waits for it any more, or its files never arrived
        "periodic_remove": "time() > ScailfinLease || (JobStatus == 5 && HoldReasonCode == 16"
        " && time() - QDate > {})".format(SPOOLING_SECONDS),
    }
