"""Runs a yadage workflow: yadage decides the order, and each packtivity runs as a step on the pool."""

import base64
import functools
import logging
import os
import shlex
import sys
import threading

import jq
import jsonpath_rw
import yaml
from controller import Run, hints_in, main
from packtivity.asyncbackends import ExternalAsyncProxy
from packtivity.syncbackends import build_job, finalize_inputs, packconfig, publish
from yadage.controllers import YadageController
from yadage.steering_api import steering_ctx
from yadage.utils import setupbackend_fromstring


class Proxy(ExternalAsyncProxy):
    def details(self):
        return {
            "jobproxy": self.jobproxy,
            "spec": self.spec,
            "statedata": self.statedata.json() if self.statedata else None,
            "pardata": self.pardata.json(),
            "resultdata": self.resultdata.json() if self.resultdata else None,
        }


class Backend:
    """The backend to which yadage hands its packtivities."""

    current = None

    def __init__(self):
        Backend.current = self
        self.run = Run(sys.argv[1])
        self.config = packconfig()
        self.jobs = {}
        self.changed = threading.Event()

    def prepublish(self, spec, parameters, state):
        return None

    def submit(self, spec, parameters, state, metadata=None):
        parameters, state = finalize_inputs(parameters, state)
        if state:
            state.ensure()
        job_id = self._submit(spec, parameters, state, metadata or {"name": "packtivity"})
        return Proxy({"job_id": job_id}, spec, state, parameters)

    def _submit(self, spec, parameters, state, metadata):
        if not spec["process"]:
            return None
        job = build_job(spec["process"], parameters, state, self.config)
        environment = spec["environment"] or {}
        command = job["command"] if "command" in job else fed(job["script"], job["interpreter"])
        if environment.get("envscript"):
            command = f"source {shlex.quote(environment['envscript'])} && {command}"
        hints = {}
        for entry in environment.get("resources") or []:
            if isinstance(entry, dict):
                hints.update(hints_in(entry))
        job_id = self.run.controller.submit(
            name=metadata["name"],
            key=place(metadata, state),
            image=image_of(environment),
            command=f"cd {shlex.quote(self.run.workspace)} && {command}",
            shown=job.get("command") or job["script"],
            hints=hints,
        )
        self.jobs[job_id] = None
        self.run.controller.watch(job_id, self._ended)
        return job_id

    def _ended(self, job):
        self.jobs[job["job_id"]] = job
        self.changed.set()

    def ready(self, proxy):
        job_id = proxy.jobproxy["job_id"]
        return job_id is None or self.jobs[job_id] is not None

    def successful(self, proxy):
        job_id = proxy.jobproxy["job_id"]
        return self.ready(proxy) and (job_id is None or self.jobs[job_id]["status"] == "finished")

    def result(self, proxy):
        # yadage asks again in each round
        if proxy.resultdata is None:
            parameters, state = finalize_inputs(proxy.pardata, proxy.statedata)
            proxy.resultdata = publish(proxy.spec["publisher"], parameters, state, self.config)
        return proxy.resultdata

    def fail_info(self, proxy):
        return f"step {proxy.jobproxy['job_id']} failed"


def fed(script, interpreter):
    """Returns a command that runs a script, whatever the script contains."""
    return f"echo {base64.b64encode(script.encode()).decode()}|base64 -d|{interpreter}"


def image_of(environment):
    image, tag = environment.get("image", ""), environment.get("imagetag", "")
    # a directory or an image file has no tag, but yadage writes `latest` if the workflow names none
    return f"{image}:{tag}" if tag and not image.startswith("/") else image


def place(metadata, state):
    """Names a packtivity by its place in the workflow: the same each time the workflow engine starts."""
    names = [str(metadata.get(name, "")) for name in ("wflow_offset", "wflow_stage", "wflow_stage_node_idx")]
    directories = state.readwrite if state else []
    return "/".join([*names, metadata["name"], *directories])


class Pace:
    """A tracker that holds adage's loop until there is something to do, and counts the steps."""

    def __init__(self, run):
        self.run = run
        self.seen = None
        self.drawn = None

    def initialize(self, workflow):
        pass

    def finalize(self, workflow):
        self.track(workflow, hold=False)

    def track(self, workflow, hold=True):
        nodes = [workflow.dag.getNode(name) for name in workflow.dag.nodes()]
        self.run.total(sum(1 for node in nodes if node.task.spec.get("process")))
        if len(nodes) != self.drawn:
            self.drawn = len(nodes)
            self.draw(workflow)
        if not hold:
            return
        seen = [str(node.state) for node in nodes], len(workflow.rules)
        # after a change, rules may apply in the next round
        Backend.current.changed.wait(0.02 if seen != self.seen else 5)
        Backend.current.changed.clear()
        self.seen = seen

    def draw(self, workflow):
        """Records the order of the stages that have begun; others are added as they begin."""
        nodes = {name: workflow.dag.getNode(name).task for name in workflow.dag.nodes()}
        stages = {name: str(task.metadata.get("wflow_stage", task.metadata["name"])) for name, task in nodes.items()}
        hidden = {stages[name] for name, task in nodes.items() if not task.spec.get("process")}
        edges = {(stages[before], stages[after]) for before, after in workflow.dag.edges()}
        self.run.graph(list(stages.values()), edges, hidden)


def publish_ahead_once(controller):
    """Replaces yadage's own function, which asks each node in each round what it is going to publish."""
    asked = controller.__dict__.setdefault("asked", set())
    for name in controller.adageobj.dag.nodes():
        if name in asked:
            continue
        asked.add(name)
        node = controller.adageobj.dag.getNode(name)
        task = node.task
        node.expected_result = controller.prepublishing_backend.prepublish(
            task.spec, task.parameters.json(), task.state
        )


def compile_once():
    """Caches compiled queries: the same few are made thousands of times, and most of the time went into compiling."""
    jq.jq = functools.lru_cache(maxsize=None)(jq.jq)
    jsonpath_rw.parse = functools.lru_cache(maxsize=None)(jsonpath_rw.parse)


def engine(run):
    compile_once()
    YadageController.sync_expected = publish_ahead_once
    os.environ["PACKTIVITY_ASYNCBACKEND"] = "__main__:Backend:Proxy"
    data = {}
    for file in run.options.get("initfiles") or []:
        with open(file) as stream:
            data.update(yaml.safe_load(stream))
    data.update(run.parameters)
    with steering_ctx(
        dataarg=f"local:{run.workspace}",
        dataopts={"initdir": os.path.join(run.workspace, run.options.get("initdir") or "")},
        workflow=None if run.specification else run.file,
        workflow_json=run.specification,
        toplevel=os.path.join(run.workspace, run.options.get("toplevel") or ""),
        initdata=data,
        visualize=False,
        updateinterval=0,
        backend=setupbackend_fromstring("fromenv"),
        accept_metadir=True,
    ) as steering:
        steering.adage_argument(additional_trackers=[Pace(run)])


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("adage").setLevel(logging.WARNING)
    main(engine)
