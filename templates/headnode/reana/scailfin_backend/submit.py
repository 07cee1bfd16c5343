"""A step as a job of the pool."""

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
    """Return an id that no other step has; by it a job is found whose number was never heard."""
    return str(uuid.uuid4())


def directory_of(step):
    """Return where a step's files lie in this pod, until its outcome is known."""
    return os.path.join(str(settings.private_dir()), step)


def manifest_of(step):
    """Return where it is written what a step got: not where its files come back to, which may have any name."""
    return directory_of(step) + ".manifest"


def forget_manifest(step):
    """Remove it, where it is there."""
    try:
        os.unlink(manifest_of(step))
    except FileNotFoundError:
        pass


def submit(step, resources):
    """Submit a step, once, however often the pool has to be asked.

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
    # they are the pool's now
    for name in ("step.env", "small.tar"):
        os.unlink(os.path.join(directory, name))
    return job


def submitted(step, text):
    """Ask until the pool answers: each time it first looks whether the step is there."""
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
    """Return HTCondor's submit description: ids, numbers and paths that are our own, nothing of the user's."""
    cores, memory, seconds = resources
    return {
        "universe": "vanilla",
        "executable": settings.wrapper(),
        "initialdir": directory_of(step["id"]),
        "output": "out",
        "error": "err",
        # so that they are at the schedd whatever becomes of the job
        "stream_output": "True",
        "stream_error": "True",
        "should_transfer_files": "YES",
        "when_to_transfer_output": "ON_EXIT",
        "transfer_input_files": ", ".join(inputs.FILES),
        "transfer_output_files": "changed.tar, report",
        "request_cpus": str(cores),
        "request_memory": str(memory),
        # what it gets lies there beside what it makes
        "request_disk": "{}K".format(1024 * 1024 + 2 * size // 1024),
        "allowed_execute_duration": str(seconds),
        "keep_claim_idle": "10",
        "notification": "Never",
        "+ScailfinStep": '"{}"'.format(step["id"]),
        "+ScailfinWorkflow": '"{}"'.format(step["workflow"]),
        "+ScailfinLease": str(int(time.time()) + settings.lease_seconds()),
        # ended or removed, its files wait to be collected
        "leave_in_queue": "(JobStatus == 3 || JobStatus == 4) && ScailfinCollected =!= True"
        " && time() - EnteredCurrentStatus < {}".format(KEPT_SECONDS),
        # nobody waits for it any more, or its files never came
        "periodic_remove": "time() > ScailfinLease || (JobStatus == 5 && HoldReasonCode == 16"
        " && time() - QDate > {})".format(SPOOLING_SECONDS),
    }
