"""Parsl on the pool: its blocks of workers are jobs of the pool, which reach the program by the wire.

    executors=[PoolExecutor()]                          in a Config of Parsl; pool.py beside this file is a whole one
    scailfin_parsl.py interchange PROGRAM               what PoolExecutor starts as Parsl's interchange

Parsl's own CondorProvider is not used: it lets a compute node write any file into the program's directory (it names no
transfer_output_files), and its jobs stay in the queue after they ended.

A compute node can call nothing but the pool's port. So each program has a service of the wire with a key of its own (templates/wire says
how), and its blocks reach Parsl's interchange by it, which listens on loopback. What is said there is encrypted by CurveZMQ, with keys
that Parsl makes for each program. HTCondor brings the keys to the node, in files that only its owner can read.
"""

import base64
import hashlib
import io
import json
import os
import re
import runpy
import secrets
import shlex
import shutil
import subprocess
import sys
import tarfile
import threading
import time

from parsl.executors import HighThroughputExecutor
from parsl.executors.high_throughput.errors import ManagerLost, WorkerLost
from parsl.executors.high_throughput.executor import DEFAULT_LAUNCH_CMD
from parsl.jobs.states import JobState, JobStatus
from parsl.providers.base import ExecutionProvider
from parsl.providers.errors import SubmitException
from parsl.utils import RepresentationMixin
from parsl.version import VERSION

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
POOL = os.path.dirname(os.path.dirname(HOME))
PYTHON = "%d.%d" % sys.version_info[:2]
# HTCondor's JobStatus; a held job is looked at by itself
STATES = {
    "1": JobState.PENDING,
    "2": JobState.RUNNING,
    "3": JobState.CANCELLED,
    "4": JobState.COMPLETED,
    "6": JobState.RUNNING,
    "7": JobState.PENDING,
}


def settings():
    """What `scailfin up` was asked for: cores and MiB of a block, how many blocks there may be, their image, and Parsl's version."""
    with open(os.path.join(HOME, "settings.json")) as file:
        return json.load(file)


def condor(*words):
    """Runs a command of the pool's HTCondor. Returns its output, or None if it failed, and its words about that."""
    with open(os.path.join(POOL, "found.config")) as file:
        [programs] = re.findall(r"^BIN = (.*)$", file.read(), re.M)
    # settings for a site's own HTCondor on the same machine
    environment = {name: value for name, value in os.environ.items() if not name.startswith("_CONDOR_")}
    environment.update(CONDOR_CONFIG=os.path.join(POOL, "condor_config"), PATH=programs + ":" + os.environ.get("PATH", ""), LC_ALL="C")
    try:
        # in a session of its own, so that Ctrl-C does not end it halfway
        done = subprocess.run(
            words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=60, start_new_session=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, str(error)
    return done.stdout if done.returncode == 0 else None, done.stderr.strip()


def write(path, content):
    """A file that only its owner can read, whole or not at all."""
    new = "%s.%s" % (path, secrets.token_hex(4))
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    os.replace(new, path)


# ---- programs: each that uses the pool, with its service of the wire and the files of its blocks


def owner(pid):
    """A process and when it began (proc(5)); its number alone may be another one's later."""
    with open("/proc/%d/stat" % pid) as file:
        return "%d %s" % (pid, file.read().rpartition(")")[2].split()[19])


def begin():
    """Returns the name of a new program, which this process is; removes what is left of those that were killed."""
    programs = os.path.join(HOME, "programs")
    os.makedirs(programs, mode=0o700, exist_ok=True)
    for other in os.listdir(programs):
        try:
            with open(os.path.join(programs, other, "owner")) as file:
                said = file.read()
            if owner(int(said.split()[0])) == said:
                continue
        except FileNotFoundError:
            # it is just being made, or its process has gone
            if time.time() - os.stat(os.path.join(programs, other)).st_mtime < 60 and not os.path.exists(os.path.join(programs, other, "owner")):
                continue
        except (OSError, ValueError, IndexError):
            pass
        end(other)
    program = "parsl-" + secrets.token_hex(6)
    os.mkdir(os.path.join(programs, program), 0o700)
    write(os.path.join(programs, program, "owner"), owner(os.getpid()))
    return program


def end(program):
    """Removes a program's blocks, and then all that is here of it."""
    if re.fullmatch("parsl-[0-9a-f]{12}", program) and os.path.isdir(POOL):
        condor("condor_rm", "-constraint", 'ScailfinProgram == "%s" && JobStatus != 3' % program)
        for path in (os.path.join(POOL, "wire", "services", program), os.path.join(HOME, "programs", program)):
            shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else os.path.exists(path) and os.remove(path)
        for number in filter(str.isdigit, os.listdir(HOME)):
            try:
                with open(os.path.join(HOME, number, "program")) as file:
                    is_its = file.read() == program
            except OSError:
                continue
            if is_its:
                shutil.rmtree(os.path.join(HOME, number), ignore_errors=True)


def offer(program, port, certificates):
    """Makes a program's service of the wire, and the files that its blocks get. @param certificates the directory of CurveZMQ's keys"""
    key = secrets.token_urlsafe(32)
    files = {"wire/key": (key + "\n").encode()}
    tree = os.path.join(HOME, "tree")
    for directory, _, names in os.walk(tree):
        for name in names:
            path = os.path.join(directory, name)
            with open(path, "rb") as file:
                files.setdefault(os.path.relpath(path, tree), file.read())
    for side in ("server", "client"):
        with open(os.path.join(certificates, side + ".key_secret"), "rb") as file:
            text = file.read()
        if side == "server":
            # Parsl's worker reads this file for the public key only, but wants a secret one in it: it gets a useless one
            text = re.sub(rb'(secret-key = )"[^"]*"', lambda found: found.group(1) + b'"' + b"0" * 40 + b'"', text)
        files["certificates/%s.key_secret" % side] = text
    manifest = ["probe - -"]
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in sorted(files.items()):
            hash = hashlib.sha256(content).hexdigest()
            manifest.append("%s %d 600 f %s" % (hash, len(content), base64.b64encode(name.encode()).decode()))
            entry = tarfile.TarInfo("./" + name)
            entry.size, entry.mode = len(content), 0o600
            tar.addfile(entry, io.BytesIO(content))
    own = os.path.join(HOME, "programs", program)
    write(os.path.join(own, "manifest"), "\n".join(manifest) + "\n")
    write(os.path.join(own, "small.tar"), archive.getvalue())
    write(os.path.join(POOL, "wire", "services", program), json.dumps({"key": key, "port": port}) + "\n")


# ---- what Parsl calls


class PoolProvider(ExecutionProvider, RepresentationMixin):
    """Blocks of workers as jobs of the pool. @param max_blocks the most that there are at a time; None: as `scailfin up --workers` said"""

    def __init__(self, max_blocks=None, min_blocks=0, init_blocks=1, parallelism=1):
        asked = settings()
        self.max_blocks = asked["blocks"] if max_blocks is None else max_blocks
        self.min_blocks = min_blocks
        self.init_blocks = min(init_blocks, self.max_blocks)
        self.parallelism = parallelism
        self.nodes_per_block = 1
        self.cores_per_node = asked["cores"]
        self.mem_per_node = asked["memory"] / 1024
        self.script_dir = None
        # by job: the number of its block's directory, and its last known state
        self.resources = {}
        # who asks for blocks
        self.program = self.executor = None
        self.is_offered = False

    label = "scailfin"
    status_polling_interval = 5

    def submit(self, command, tasks_per_node, job_name="parsl"):
        asked = settings()
        if not self.is_offered:
            offer(self.program, self.executor.worker_port, self.executor.cert_dir)
            self.is_offered = True
        own = [asked["cores"], asked["memory"] / 1024, PYTHON, VERSION, "image" if asked["image"] else "nodes", self.program]
        line = "exec bash ./worker.sh " + " ".join(shlex.quote(str(word)) for word in [*own, *shlex.split(command)])
        number = 1
        while True:
            home = os.path.join(HOME, str(number))
            try:
                os.mkdir(home, 0o700)
                break
            except FileExistsError:
                number += 1
        write(os.path.join(home, "program"), self.program)
        os.mkdir(os.path.join(home, "job"), 0o700)
        with open(os.path.join(HOME, "step.env")) as file:
            step = re.sub("(?m)^command_b64=.*$", "command_b64=" + base64.b64encode(line.encode()).decode(), file.read())
        write(os.path.join(home, "step.env"), step)
        with open(os.path.join(HOME, "workers.sub")) as file:
            description = file.read()
        files = [os.path.join(home, "step.env"), *(os.path.join(HOME, "programs", self.program, name) for name in ("manifest", "small.tar"))]
        # the last value of a name counts. A block that ended is not run again: Parsl asks for another one, if it needs one
        write(
            os.path.join(home, "submit"),
            'sum = -\nnumber = %d\n%s\ntransfer_input_files = %s\n+ScailfinProgram = "%s"\non_exit_remove = True\non_exit_hold = False\nperiodic_release = False\nqueue 1\n'
            % (number, description, ", ".join(files), self.program),
        )
        said, error = condor("condor_submit", "-terse", os.path.join(home, "submit"))
        job = re.match(r"\d+\.\d+", said or "")
        if not job:
            shutil.rmtree(home, ignore_errors=True)
            raise SubmitException(job_name, error or "the pool did not take the job", said, error)
        self.resources[job.group()] = {"number": number, "status": JobStatus(JobState.PENDING)}
        return job.group()

    def status(self, job_ids):
        mine = 'ScailfinProgram == "%s"' % self.program
        said, _ = condor("condor_q", "-constraint", mine, "-af", "ClusterId", "ProcId", "JobStatus", 'HoldReason ?: ""')
        for job in job_ids:
            resource = self.resources[job]
            if resource["status"].terminal:
                continue
            if not os.path.isdir(POOL):
                resource["status"] = JobStatus(JobState.FAILED, "the cluster was taken down")
            elif said is not None:
                # what can't be asked is as it was
                resource["status"] = self.found(job, said)
        return [self.resources[job]["status"] for job in job_ids]

    def found(self, job, said):
        cluster, _, proc = job.partition(".")
        line = re.search(r"(?m)^%s %s (\d+) ?(.*)$" % (cluster, proc), said)
        if line is None:
            words = self.last_words(job)
            self.forget(job)
            return JobStatus(JobState.COMPLETED, words)
        if line.group(1) == "5":
            words = "its job was held: " + line.group(2)
            self.cancel([job])
            return JobStatus(JobState.FAILED, words)
        return JobStatus(STATES.get(line.group(1), JobState.UNKNOWN))

    def last_words(self, job):
        """What the block said last. A hostile node may have put anything there: a pipe, a link, a long line"""
        for name in ("err", "out"):
            try:
                path = os.path.join(HOME, str(self.resources[job]["number"]), "job", name)
                with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
                    if not os.path.isfile("/proc/self/fd/%d" % file.fileno()):
                        continue
                    file.seek(max(0, os.fstat(file.fileno()).st_size - 2000))
                    lines = [line for line in file.read(2000).decode(errors="replace").splitlines() if line.strip()]
            except OSError:
                continue
            if lines:
                return "".join(c if c.isprintable() else "?" for c in lines[-1][:300])
        return None

    def cancel(self, job_ids):
        known = [job for job in job_ids if job in self.resources]
        said, _ = condor("condor_rm", *known) if known else ("", "")
        if said is None:
            # those that are not there any more are removed, too
            there, _ = condor("condor_q", *known, "-af", "ClusterId", "ProcId", "JobStatus")
            left = set() if there is None else {".".join(line.split()[:2]) for line in there.splitlines() if line.split()[2:] != ["3"]}
            done = [there is not None and job not in left for job in job_ids]
        else:
            done = [job in known for job in job_ids]
        for job, is_done in zip(job_ids, done):
            if is_done:
                self.resources[job]["status"] = JobStatus(JobState.CANCELLED)
                self.forget(job)
        return done

    def forget(self, job):
        shutil.rmtree(os.path.join(HOME, str(self.resources[job]["number"])), ignore_errors=True)


# as Parsl's own, but for the program, the place of its logs, and what the worker's end of the wire says by itself
LAUNCH = (
    DEFAULT_LAUNCH_CMD.replace("process_worker_pool.py ", "")
    .replace("-a {addresses} ", "")
    .replace("--port={worker_port} --cert_dir {cert_dir} --logdir={logdir} --logconf={logconf} ", "")
)


class PoolExecutor(HighThroughputExecutor):
    """Parsl's HighThroughputExecutor with its workers on the pool; takes the same arguments."""

    def __init__(self, **changes):
        asked = settings()
        here = os.path.join(HOME, "venv", "bin", "python3")
        if VERSION != asked["version"]:
            raise RuntimeError("workers have Parsl %s, and this Python has %s: use %s, or pip install parsl==%s" % (asked["version"], VERSION, here, asked["version"]))
        if not asked["image"] and not os.path.isdir(os.path.join(HOME, "venv", "lib", "python" + PYTHON)):
            raise RuntimeError("this is Python %s, and workers have another one: use %s" % (PYTHON, here))
        self.program = begin()
        mine = {
            "label": "pool",
            "address": "127.0.0.1",
            "provider": PoolProvider(),
            # a node that died is noticed after a minute; its tasks are then done elsewhere
            "heartbeat_period": 10,
            "heartbeat_threshold": 60,
            "launch_cmd": LAUNCH,
            "interchange_launch_cmd": [sys.executable, "-B", os.path.abspath(__file__), "interchange", self.program],
        }
        super().__init__(**{**mine, **changes})
        if not self.encrypted:
            raise ValueError("encrypted=False: other users of this machine could then give tasks to your workers; leave it out")
        if isinstance(self.provider, PoolProvider):
            self.provider.program, self.provider.executor = self.program, self

    def start(self):
        super().start()
        # without a limit, Parsl asks an interchange that has gone for ever
        ask = self.command_client.run
        self.command_client.run = lambda message, max_retries=3, timeout_s=60: ask(message, max_retries, timeout_s)

    def status(self):
        if self.interchange_proc is None or self.interchange_proc.poll() is None:
            return super().status()
        if not self.bad_state_is_set:
            is_there = os.path.isdir(POOL)
            reason = "the interchange ended; its log is in %s" % self.logdir if is_there else "the cluster was taken down"
            self.set_bad_state_and_fail_all(RuntimeError(reason))
        return self._status

    def scale_in(self, blocks, max_idletime=None):
        # Parsl 2026.10.26 asks for none if a block is only partly used, and then ends all idle ones, also those that have not started yet
        return super().scale_in(blocks, max_idletime) if blocks > 0 else []

    def shutdown(self, *args, **more):
        try:
            super().shutdown(*args, **more)
        finally:
            end(self.program)


def only_lost(error, task):
    """For Config(retry_handler=…): a task that was lost with its node costs one of the retries, and an error of the task itself all of them."""
    return 1 if isinstance(error, (ManagerLost, WorkerLost)) else 1_000_000


def interchange(program):
    """Parsl's interchange, which ends with the program that started it, even if that was killed, and takes its blocks away."""
    parent = os.getppid()

    def watch():
        while os.getppid() == parent and os.path.isdir(POOL):
            time.sleep(1)
        end(program)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    sys.argv = sys.argv[:1]
    runpy.run_module("parsl.executors.high_throughput.interchange", run_name="__main__")


if __name__ == "__main__" and sys.argv[1:2] == ["interchange"]:
    os.umask(0o077)
    interchange(sys.argv[2])
