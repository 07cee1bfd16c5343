"""The REST interface, with upstream's answers and their order: a job is running as soon as it was submitted."""

import base64
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from reana_job_controller import config
from reana_job_controller.errors import ComputingBackendSubmissionError
from reana_job_controller.job_db import JOB_DB, store_job_logs, update_job_status

DEFAULTS = {"prettified_cmd": "", "cvmfs_mounts": "", "env_vars": {}, "shared_file_system": True}
DEFAULTS["kubernetes_job_timeout"] = 604800


class Answers(BaseHTTPRequestHandler):
    """One request."""

    def do_POST(self):
        """Create a job."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        job = dict(DEFAULTS, **asked)
        job["env_vars"] = dict(job["env_vars"])
        job["cmd"] = base64.b64decode(job["cmd"]).decode()
        backend = job.pop("compute_backend", config.DEFAULT_COMPUTE_BACKEND)
        if backend not in config.SUPPORTED_COMPUTE_BACKENDS:
            return self.say(500, {"job": "Job submission failed. Backend {} is not supported.".format(backend)})
        manager = config.COMPUTE_BACKENDS[backend]()(**job)
        try:
            number = manager.execute()
        except Exception as error:
            return self.say(500, {"message": "Job submission failed. \n{}".format(error)})
        more = {"status": "started", "deleted": False, "obj": manager, "backend_job_id": number}
        JOB_DB[manager.job_id] = dict(job, compute_backend=backend, **more)
        update_job_status(manager.job_id, "running")
        config.JOB_MONITORS[backend]()(app=self.server, workflow_uuid=job["workflow_uuid"])
        return self.say(201, {"job_id": manager.job_id})

    def do_GET(self):
        """Tell of a job, or stop all of them."""
        if self.path == "/shutdown":
            return self.shutdown()
        job = JOB_DB.get(self.path.split("/")[2])
        if job is None:
            return self.say(400, {"message": "no such job"})
        if self.path.endswith("/logs"):
            return self.say(200, job["log"])
        return self.say(200, {"status": job["status"]})

    def do_DELETE(self):
        """Stop a job."""
        job = JOB_DB[urlsplit(self.path).path.split("/")[2]]
        try:
            config.COMPUTE_BACKENDS[job["compute_backend"]]().stop(job["backend_job_id"])
        except ComputingBackendSubmissionError as error:
            return self.say(502, {"message": str(error)})
        return self.say(204, None)

    def shutdown(self):
        """Stop all jobs, each after its log was asked for."""
        failed = []
        for job_id, job in JOB_DB.items():
            if job["status"] in ("finished", "failed", "stopped"):
                continue
            manager = config.COMPUTE_BACKENDS[job["compute_backend"]]()
            try:
                store_job_logs(job_id, manager.get_logs(job["backend_job_id"], workspace=job["workflow_workspace"]))
                manager.stop(job["backend_job_id"])
                update_job_status(job_id, "stopped")
                job["deleted"] = True
            except Exception:
                failed.append(job_id)
        return self.say(500 if failed else 200, {"message": " ".join(failed)})

    def say(self, status, body):
        """Answer: a text as it is, anything else as JSON."""
        data = b"" if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        """Say nothing."""


class App:
    """What Flask would run."""

    def run(self, port, threaded):
        """Answer until killed, on this host only."""
        assert threaded
        ThreadingHTTPServer(("127.0.0.1", port), Answers).serve_forever()


app = App()
