"""Runs a CWL workflow: cwltool decides the order, and each command line tool runs as a step on the pool."""

import functools
import hashlib
import json
import logging
import math
import os
import re
import shlex
import shutil
import sys
import threading

import cwltool.main
from controller import Refused, hints_in, main
from cwltool.command_line_tool import CommandLineTool
from cwltool.context import LoadingContext
from cwltool.errors import UnsupportedRequirement, WorkflowException
from cwltool.executors import MultithreadedJobExecutor
from cwltool.job import CommandLineJob, relink_initialworkdir
from cwltool.process import shortname
from cwltool.workflow import Workflow, default_make_tool

MAX_STEPS = 300
log = logging.getLogger("cwltool")


class Pool:
    """Shared state of the classes below; cwltool itself makes their objects."""

    run = None
    jobs = None
    lock = threading.Lock()
    counts = {}

    @classmethod
    def place(cls, tool, job_order):
        """Names a job by what it does, so that it has the same name each time the workflow engine starts."""
        text = json.dumps(tool, sort_keys=True, default=str)
        # cwltool makes up names for tools that have none
        text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "", text)
        text += json.dumps(plain(job_order), sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        with cls.lock:
            cls.counts[digest] = cls.counts.get(digest, 0) + 1
            return f"{digest}-{cls.counts[digest]}"


def plain(value):
    """Returns a job's input without the parts that differ from run to run."""
    if isinstance(value, dict):
        kept = {k: plain(v) for k, v in value.items() if k not in ("path", "dirname", "nameroot", "nameext", "id")}
        if str(kept.get("location", "")).startswith("_:"):
            del kept["location"]
        return kept
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value


class PoolTool(CommandLineTool):
    def make_job_runner(self, runtimeContext):
        return PoolJob

    def job(self, job_order, output_callbacks, runtimeContext):
        name = Pool.place(self.tool, job_order)
        context = runtimeContext.copy()
        context.outdir, context.tmpdir, context.stagedir = (
            os.path.join(Pool.jobs, name, part) for part in ("out", "tmp", "in")
        )
        yield from super().job(job_order, output_callbacks, context)


class PoolJob(CommandLineJob):
    def run(self, runtimeContext, tmpdir_lock=None):
        self.key = os.path.basename(os.path.dirname(self.outdir))
        if Pool.run.controller.known(self.key):
            # the step was submitted before this workflow engine was restarted: its files are where it put them
            self._setup(runtimeContext)
            self._execute([], self.environment, runtimeContext)
            return
        shutil.rmtree(os.path.dirname(self.outdir), ignore_errors=True)
        super().run(runtimeContext, tmpdir_lock)

    def _required_env(self):
        return {"HOME": self.outdir, "TMPDIR": self.tmpdir}

    def _execute(self, runtime, env, runtimeContext, monitor_function=None):
        outputs, status = {}, "permanentFail"
        try:
            code = self._step(env)
            status = self._status(code)
            if self.generatemapper is not None:
                relink_initialworkdir(self.generatemapper, self.outdir, self.builder.outdir, self.inplace_update)
            outputs = self.collect_outputs(self.outdir, code)
        except (WorkflowException, Refused) as error:
            log.error("[job %s] %s", self.name, error)
            status = "permanentFail"
        log.info("[job %s] completed %s", self.name, status)
        with runtimeContext.workflow_eval_lock:
            self.output_callback(outputs, status)

    def _status(self, code):
        if code in self.successCodes:
            return "success"
        if code in self.temporaryFailCodes:
            return "temporaryFail"
        return "success" if code == 0 and code not in self.permanentFailCodes else "permanentFail"

    def _step(self, env):
        """Runs the command on the pool. Returns its exit status."""
        words = " ".join(shlex.quote(str(word)) for word in self.command_line)
        line = words + self._redirections()
        exports = "".join(f"export {name}={shlex.quote(value)}; " for name, value in env.items())
        tmp, out = shlex.quote(self.tmpdir), shlex.quote(self.outdir)
        controller = Pool.run.controller
        job_id = controller.submit(
            name=self.name,
            key=self.key,
            image=self._image(),
            command=f"{exports}mkdir -p {tmp} {out} && cd {out} && {line}; s=$?; rm -rf {tmp}; exit $s",
            shown=line,
            hints=self._hints(),
        )
        job = controller.wait(job_id)
        code = job.get("exit_code")
        if job["status"] != "finished" and not code:
            raise WorkflowException(job.get("reason") or f"the step {job['status']}")
        return code or 0

    def _redirections(self):
        text = ""
        if self.stdin is not None:
            found = self.pathmapper.reversemap(self.stdin)
            if found is None:
                raise WorkflowException(f"{self.stdin} is not an input of this job")
            text += f" < {shlex.quote(found[1])}"
        for sign, name in ((">", self.stdout), ("2>", self.stderr)):
            if name is not None:
                path = os.path.join(self.outdir, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                text += f" {sign} {shlex.quote(path)}"
        return text

    def _image(self):
        docker, _ = self.get_requirement("DockerRequirement")
        if docker is None:
            return ""
        if "dockerOutputDirectory" in docker:
            raise UnsupportedRequirement("dockerOutputDirectory is not supported: write to the working directory")
        image = docker.get("dockerPull") or docker.get("dockerImageId")
        if not image:
            raise UnsupportedRequirement("building images is not supported: name one with dockerPull")
        return image

    def _hints(self):
        hints = {}
        if self.get_requirement("ResourceRequirement")[0] is not None:
            hints["c4p_cpu_cores"] = str(self.builder.resources["cores"])
            hints["kubernetes_memory_limit"] = f"{self.builder.resources['ram']}Mi"
        if self.timelimit:
            hints["htcondor_max_runtime"] = str(self.timelimit)
        for hint in self.hints or []:
            hints.update(hints_in(hint))
        return hints


class PoolExecutor(MultithreadedJobExecutor):
    """The pool assigns cores and memory; here threads only wait."""

    def __init__(self):
        super().__init__(max_parallel=MAX_STEPS)

    def select_resources(self, request, runtime_context):
        return {
            "cores": math.ceil(request["coresMin"]),
            "ram": math.ceil(request["ramMin"]),
            "tmpdirSize": math.ceil(request["tmpdirMin"]),
            "outdirSize": math.ceil(request["outdirMin"]),
        }

    def run_job(self, job, runtime_context):
        if job is not None:
            runner = functools.partial(self._runner, job, runtime_context, threading.Lock())
            self.taskqueue.add(runner, runtime_context.workflow_eval_lock)


def make_tool(spec, loading):
    if spec.get("class") == "CommandLineTool":
        return PoolTool(spec, loading)
    tool = default_make_tool(spec, loading)
    if isinstance(tool, Workflow):
        # a workflow is made after those in it, so the whole one comes last
        names, edges, hidden, _, _ = graph_of(tool)
        Pool.run.graph(names, edges, hidden)
    return tool


def graph_of(workflow):
    """Returns the names of a workflow's steps, who comes before whom, which run no job, which are first, and last.

    In place of a step that is a workflow stand the steps of that workflow.
    """
    parts = {step.id: part_of(step) for step in workflow.steps}
    names, edges, hidden = [], [], set()
    for part in parts.values():
        names += part[0]
        edges += part[1]
        hidden |= part[2]
    befores, afters = set(), set()
    for step in workflow.steps:
        for source in sources_of(step):
            before = source.rpartition("/")[0]
            if before in parts:
                edges += [(a, b) for a in parts[before][4] for b in parts[step.id][3]]
                befores.add(before)
                afters.add(step.id)
    first = [name for key, part in parts.items() if key not in afters for name in part[3]]
    last = [name for key, part in parts.items() if key not in befores for name in part[4]]
    return names, edges, hidden, first, last


def part_of(step):
    name = shortname(step.id)
    if isinstance(step.embedded_tool, Workflow):
        return graph_of(step.embedded_tool)
    hidden = set() if isinstance(step.embedded_tool, CommandLineTool) else {name}
    return [name], [], hidden, [name], [name]


def sources_of(step):
    for each in step.tool["inputs"]:
        source = each.get("source") or []
        yield from [source] if isinstance(source, str) else source


def count_steps(value):
    """Counts the steps that are not workflows themselves; a scattered step becomes more than one."""
    if isinstance(value, list):
        return sum(map(count_steps, value))
    if not isinstance(value, dict):
        return 0
    if value.get("class") == "Workflow":
        steps = value.get("steps", [])
        return len(steps)
    return count_steps(value.get("$graph", []))


def document(run):
    """Returns the workflow's file; a packed workflow that came with the run is written to a file, as REANA does."""
    if run.specification:
        with open("workflow.json", "w") as file:
            json.dump(run.specification, file)
        ids = [each.get("id", "") for each in run.specification.get("$graph", [])]
        return "workflow.json#main" if {"#main", "main"} & set(ids) else "workflow.json"
    return run.file


def engine(run):
    Pool.run = run
    Pool.jobs = os.path.join(run.workspace, "cwl")
    os.makedirs(Pool.jobs, exist_ok=True)
    if run.specification:
        run.total(count_steps(run.specification))
    with open("inputs.json", "w") as file:
        json.dump(run.parameters, file)
    errors = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: errors.append(record.getMessage())
    log.addHandler(handler)
    prefix = Pool.jobs + "/"
    options = ["--outdir", os.path.join(run.workspace, "outputs"), "--copy-outputs", "--no-container"]
    options += ["--tmpdir-prefix", prefix, "--tmp-outdir-prefix", prefix, "--leave-tmpdir", "--disable-color"]
    if run.options.get("TARGET"):
        options += ["--target", run.options["TARGET"]]
    status = cwltool.main.main(
        [*options, document(run), "inputs.json"],
        executor=PoolExecutor(),
        # names may contain spaces, because all words are quoted
        loadingContext=LoadingContext({"construct_tool_object": make_tool, "relax_path_checks": True}),
        stdout=sys.stdout,
    )
    if status == 0:
        # all files to keep are in outputs
        shutil.rmtree(Pool.jobs, ignore_errors=True)
        return None
    return "\n".join(errors[:3]).strip() or "the CWL workflow failed"


if __name__ == "__main__":
    main(engine)
