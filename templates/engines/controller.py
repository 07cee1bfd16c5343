"""Shared by all workflow engines: the client of the job controller, and the files by which a run reports.

The edge may be down for a while and come back on another port, so each request is repeated until it is answered.
"""

import base64
import http.client
import json
import os
import sys
import threading
import time
import traceback

# a run whose directory was removed is not needed by anybody
ORPHANED_SECONDS = 60
LONG_POLL_SECONDS = 50


class Refused(Exception):
    """The job controller understood the request and refused it."""


class Controller:
    def __init__(self, directory):
        self.address = os.path.join(directory, "controller.json")

    def submit(self, name, key, image, command, shown, hints):
        """Hands a step over; the same key always means the same step, however often it is handed over."""
        job = {k: v for k, v in hints.items() if v is not None}
        job.update(
            job_name=name,
            key=key,
            docker_img=image,
            cmd=base64.b64encode(command.encode()).decode(),
            prettified_cmd=shown,
        )
        return self.request("POST", "/jobs", job)["job_id"]

    def known(self, key):
        """Returns the step with that key, if one was ever handed over."""
        jobs = self.request("POST", "/jobs/find", {"key": key})["jobs"]
        return next(iter(jobs.values()), None)

    def wait(self, job_id):
        """Blocks until the step is over."""
        while True:
            job = self.request("GET", f"/jobs/{job_id}?wait={LONG_POLL_SECONDS}")
            if job["status"] in ("finished", "failed", "stopped"):
                return job

    def watch(self, job_id, ended):
        """Calls `ended(job)` from a new thread."""
        threading.Thread(target=lambda: ended(self.wait(job_id)), daemon=True).start()

    def request(self, method, path, body=None):
        pause, missing_since = 0.1, None
        while True:
            try:
                return self._ask(method, path, body)
            except FileNotFoundError:
                missing_since = missing_since or time.monotonic()
                if time.monotonic() - missing_since > ORPHANED_SECONDS:
                    os._exit(1)
            except (OSError, http.client.HTTPException, ValueError):
                missing_since = None
            time.sleep(pause)
            pause = min(pause * 2, 5)

    def _ask(self, method, path, body):
        with open(self.address) as file:
            address = json.load(file)
        connection = http.client.HTTPConnection("127.0.0.1", address["port"], timeout=LONG_POLL_SECONDS + 30)
        try:
            headers = {"Authorization": "Bearer " + address["token"], "Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status == 401 or answer.status >= 500:
            raise OSError(f"the job controller answered {answer.status}")
        value = json.loads(text) if text else {}
        if answer.status >= 400:
            raise Refused(value.get("message", f"the job controller answered {answer.status}"))
        return value


class Run:
    """The run as the edge recorded it, and the files in which the edge looks for news."""

    def __init__(self, directory):
        self.directory = directory
        with open(os.path.join(directory, "run.json")) as file:
            run = json.load(file)
        self.workspace = run["workspace"]
        self.file = run["file"]
        self.specification = run["specification"]
        self.parameters = run["parameters"]
        self.options = run["options"]
        self.controller = Controller(directory)
        self._total = 0
        self._graph = None

    def total(self, steps):
        """Records how many steps there are, as far as is known."""
        if steps != self._total:
            self._total = steps
            self.write("total.json", steps)

    def graph(self, names, edges, hidden=()):
        """Records which steps come before which, as far as is known, by their names; the page draws it.

        `edges` are pairs of names, of which `hidden` ones run no job: what comes before them comes before what follows.
        """
        edges = {(before, after) for before, after in edges if before != after}
        for name in hidden:
            before = {a for a, b in edges if b == name}
            after = {b for a, b in edges if a == name}
            edges = {edge for edge in edges if name not in edge}
            edges |= {(a, b) for a in before for b in after if a != b}
        names = list(dict.fromkeys(name for name in names if name not in set(hidden)))
        graph = {"nodes": names, "edges": sorted(edge for edge in edges if set(edge) <= set(names))}
        if graph != self._graph:
            self._graph = graph
            self.write("graph.json", graph)

    def write(self, name, value):
        path = os.path.join(self.directory, name)
        with open(path + ".new", "w") as file:
            json.dump(value, file)
        os.replace(path + ".new", path)


def main(engine):
    """Runs `engine(run)`; if it returns a text, that is why the workflow failed."""
    run = Run(sys.argv[1])
    os.chdir(run.workspace)
    try:
        reason = engine(run)
    except Exception as error:
        traceback.print_exc()
        reason = str(error) or type(error).__name__
    run.write("result.json", {"failed": reason} if reason else {})
    sys.stdout.flush()
    sys.stderr.flush()
    # threads that wait for steps which nobody needs any more must not keep the process alive
    os._exit(1 if reason else 0)


HINTS = (
    "kubernetes_memory_limit",
    "kubernetes_cpu_limit",
    "kubernetes_job_timeout",
    "htcondor_max_runtime",
    "slurm_time",
    "c4p_cpu_cores",
    "c4p_memory_limit",
)


def hints_in(mapping):
    """Returns the resource hints of REANA that a mapping has."""
    return {name: str(mapping[name]) for name in HINTS if mapping.get(name) not in (None, "")}
