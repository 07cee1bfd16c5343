"""Runs a Snakemake workflow: Snakemake decides the order, and each rule's shell command runs as a step on the pool."""

import asyncio
import os
import queue
import shlex

import snakemake_compat  # noqa: F401 - before Snakemake itself
from controller import hints_in, main
from snakemake import scheduler, snakemake
from snakemake.executors import GenericClusterExecutor, RealExecutor
from snakemake.resources import DefaultResources
from snakemake.shell import shell
from snakemake.workflow import Workflow

STRICT_MODE = "set -euo pipefail; "
MAX_STEPS = 300


class PoolExecutor(GenericClusterExecutor):
    """Replaces the executor for batch systems."""

    engine_run = None
    reasons = []

    def __init__(self, workflow, dag, cores, **settings):
        self.ended = queue.Queue()
        self.watched = {}
        self.drawn = None
        super().__init__(workflow, dag, cores, **{k: v for k, v in settings.items() if k != "submitcmd"})

    def run(self, job, callback=None, submit_callback=None, error_callback=None):
        run = self.engine_run
        run.total(sum(1 for each in self.dag.needrun_jobs() if not each.is_norun) + self.dag_finished())
        refusal = why_not(job)
        if refusal:
            self.reasons.append(refusal)
            error_callback(job)
            return
        self.draw()
        key = place(job)
        # a step submitted before this workflow engine was restarted may be writing these files, or have written them
        if run.controller.known(key) is None:
            super()._run(job)
            for path in [*job.products()]:
                os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        else:
            RealExecutor._run(self, job)
        prefix = shell._process_prefix if shell._process_prefix != STRICT_MODE else ""
        # a step begins in its workspace, which is elsewhere on a node without a container
        below = os.path.relpath(os.getcwd(), run.workspace)
        enter = "" if below == "." else f"cd {shlex.quote(below)} && "
        job_id = run.controller.submit(
            name=job.name,
            key=key,
            image=(job.container_img_url or "").removeprefix("docker://"),
            command=f"{enter}{prefix}{job.shellcmd}",
            shown=job.shellcmd.strip(),
            hints=hints_of(job),
        )
        self.workflow.persistence.started(job, external_jobid=job_id)
        submit_callback(job)
        self.watched[job_id] = (job, callback, error_callback)
        run.controller.watch(job_id, self.ended.put)

    def draw(self):
        """Records the order of the rules, which a checkpoint may change."""
        jobs = [job for job in self.dag.jobs if not job.is_group()]
        if len(jobs) == self.drawn:
            return
        self.drawn = len(jobs)
        edges = {(before.rule.name, job.rule.name) for job in jobs for before in self.dag.dependencies[job]}
        hidden = {job.rule.name for job in jobs if job.is_norun}
        self.engine_run.graph(sorted({job.rule.name for job in jobs}), edges, hidden)

    def dag_finished(self):
        return len([job for job in self.dag.finished_jobs if not job.is_norun])

    async def _wait_for_jobs(self):
        while self.wait:
            try:
                ended = self.ended.get_nowait()
            except queue.Empty:
                await asyncio.sleep(0.05)
                continue
            job, callback, error_callback = self.watched.pop(ended["job_id"])
            if ended["status"] == "finished":
                callback(job)
            else:
                self.print_job_error(job)
                error_callback(job)

    def handle_job_success(self, job):
        # nothing else does this: the pool runs the rule's command, not another Snakemake
        RealExecutor.handle_job_success(self, job, upload_remote=False, handle_log=False, handle_touch=True)

    def cancel(self):
        self.shutdown()


def why_not(job):
    if job.is_group():
        return f"the rules {', '.join(sorted({each.rule.name for each in job.jobs}))} form a group, and groups are not supported"
    if not job.is_shell:
        return f"rule {job.rule.name} has no shell section: only shell commands can run on the pool"
    return None


def place(job):
    """Names a job of the workflow: the name is the same each time the workflow engine starts."""
    wildcards = sorted(f"{name}={value}" for name, value in job.wildcards.items())
    return "\n".join([job.rule.name, str(job.attempt), *wildcards, *map(str, job.output), *map(str, job.log)])


def hints_of(job):
    hints = hints_in(dict(job.resources.items()))
    resources = dict(job.resources.items())
    if "c4p_cpu_cores" not in hints and job.threads > 1:
        hints["c4p_cpu_cores"] = str(job.threads)
    if "mem_mb" in resources and not {"kubernetes_memory_limit", "c4p_memory_limit"} & hints.keys():
        hints["kubernetes_memory_limit"] = f"{resources['mem_mb']}M"
    if "runtime" in resources and not {"htcondor_max_runtime", "slurm_time", "kubernetes_job_timeout"} & hints.keys():
        hints["htcondor_max_runtime"] = str(int(resources["runtime"]) * 60)
    return hints


def keep_records_aside(run):
    """Keeps Snakemake's own notes in a directory that is not sent along with each step."""
    link = os.path.join(run.workspace, ".snakemake")
    if os.path.isdir(link):
        return
    if os.path.islink(link):
        os.remove(link)
    records = os.path.join(run.directory, "snakemake")
    os.makedirs(records, exist_ok=True)
    os.symlink(records, link)


def engine(run):
    PoolExecutor.engine_run = run
    keep_records_aside(run)
    scheduler.GenericClusterExecutor = PoolExecutor
    # a rule's command runs on the pool even if the Snakefile calls the rule local
    Workflow.is_local = lambda self, rule: rule.group is None and (rule.norun or rule.is_template_engine)
    errors = []
    common = dict(
        snakefile=os.path.join(run.workspace, run.file or "Snakefile"),
        config=dict(run.parameters),
        workdir=run.workspace,
        default_resources=DefaultResources(mode="bare"),
        log_handler=[lambda message: errors.append(message["msg"]) if message["level"] == "error" else None],
    )
    done = snakemake(
        **common,
        cluster="pool",
        cores=None,
        nodes=MAX_STEPS,
        printshellcmds=True,
        notemp=True,
        # each workspace has only one workflow engine: a lock was left by one that was killed
        lock=False,
        force_incomplete=True,
        latency_wait=10,
        scheduler="greedy",
    )
    if run.options.get("report"):
        snakemake(**common, lock=False, report=run.options["report"])
    if done:
        return None
    return "; ".join(PoolExecutor.reasons) or "\n".join(errors).strip() or "the Snakemake workflow failed"


if __name__ == "__main__":
    main(engine)
