"""The store of one controller's jobs; `history` is what the database's table would have seen."""

JOB_DB = {}
STATUSES = ("created", "running", "finished", "failed", "stopped", "queued")
history = []


def store_job_logs(job_id, logs):
    """Keep a job's log. A text column takes no NUL."""
    if not isinstance(logs, str) or "\0" in logs:
        raise ValueError("this is no text for PostgreSQL")
    JOB_DB[job_id]["log"] = logs
    history.append((job_id, "log"))


def update_job_status(job_id, status):
    """Keep a job's state."""
    if status not in STATUSES:
        raise KeyError(status)
    JOB_DB[job_id]["status"] = status
    history.append((job_id, status))
