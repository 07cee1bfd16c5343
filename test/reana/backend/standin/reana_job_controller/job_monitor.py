"""The interface for all jobs of a backend."""

import threading

from reana_job_controller.job_db import JOB_DB


class JobMonitor:
    """A thread that begins before its maker is done."""

    def __init__(self, thread_name, app=None):
        """Start it."""
        self.job_event_reader_thread = threading.Thread(name=thread_name, target=self.watch_jobs, args=(JOB_DB, app))
        self.job_event_reader_thread.daemon = True
        self.job_event_reader_thread.start()
        self.job_db = JOB_DB
