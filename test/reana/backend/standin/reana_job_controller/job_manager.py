"""The interface for one job."""

import json
import uuid


class JobManager:
    """One job; a backend's class submits it in `execute`."""

    def __init__(
        self,
        docker_img="",
        cmd=[],
        prettified_cmd="",
        env_vars={},
        workflow_uuid=None,
        workflow_workspace=None,
        job_name=None,
    ):
        """Keep what the request said."""
        self.docker_img = docker_img or ""
        self.cmd = cmd
        self.prettified_cmd = prettified_cmd
        self.workflow_uuid = workflow_uuid
        self.workflow_workspace = workflow_workspace
        self.job_name = job_name
        env_vars["REANA_WORKSPACE"] = workflow_workspace
        env_vars["REANA_WORKFLOW_UUID"] = str(workflow_uuid)
        self.env_vars = env_vars

    def execution_hook(method):
        """Wrap `execute`: what it returns is kept with the job, in a column of 256 characters."""

        def wrapper(self, *args, **kwargs):
            self.before_execution()
            backend_job_id = method(self, *args, **kwargs)
            self.create_job_in_db(backend_job_id)
            return backend_job_id

        return wrapper

    def before_execution(self):
        """Do nothing."""

    def create_job_in_db(self, backend_job_id):
        """Check what the database would refuse, and give the job its id."""
        if not isinstance(backend_job_id, str) or len(backend_job_id) > 256:
            raise ValueError("backend_job_id")
        json.dumps([self.cmd, self.env_vars])
        str(self.compute_backend), str(self.cvmfs_mounts), bool(self.shared_file_system)
        self.job_id = str(uuid.uuid4())
