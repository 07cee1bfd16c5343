# pbs_mom of Torque 6.1, as far as a job can tell.
import os, secrets, signal

SPOOL = "/var/spool/torque"


class Node:
    # qdel's TERM, and KILL after the server's kill_delay
    ending = ((0, signal.SIGTERM), (2, signal.SIGKILL))
    # what is left of the session when its top shell has ended is killed, pbs_mom's kill_job
    sweeps = True

    def __init__(self, job, hosts):
        self.job, self.hosts = job, hosts
        number = os.environ.get("SLURM_ARRAY_JOB_ID") or os.environ["SLURM_JOB_ID"]
        self.task = os.environ.get("SLURM_ARRAY_TASK_ID")
        self.number = number
        self.id = f"{number}[{self.task}].{job['server']}" if self.task else f"{number}.{job['server']}"
        self.joined = job["join"] == "oe"
        self.limit = job["seconds"]
        self.nodefile = f"{SPOOL}/aux//{self.id}"
        self.script = f"{SPOOL}/mom_priv/jobs/{self.id}.SC"

    def spooled(self, which):
        return f"{SPOOL}/spool/{self.id}.{'OU' if which == 'out' else 'ER'}"

    def prepare(self):
        with open(self.nodefile, "w") as file:
            file.write("".join(f"{host}\n" * self.job["cores"] for host in self.hosts))
        with open(os.open(self.script, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o700), "w") as file:
            file.write(self.job["script"])

    def name(self):
        return f"{self.job['name']}-{self.task}" if self.task else self.job["name"]

    def environment(self, home):
        job = self.job
        user = job["user"]
        own = {
            "PBS_ENVIRONMENT": "PBS_BATCH",
            "PBS_GPUFILE": f"{self.nodefile}gpu",
            "PBS_JOBCOOKIE": secrets.token_hex(16).upper(),
            "PBS_JOBID": self.id,
            "PBS_JOBNAME": self.name(),
            "PBS_MICFILE": f"{self.nodefile}mic",
            "PBS_MOMPORT": "15003",
            "PBS_NODEFILE": self.nodefile,
            "PBS_NODENUM": "0",
            "PBS_NP": str(job["cores"] * len(self.hosts)),
            "PBS_NUM_NODES": str(len(self.hosts)),
            "PBS_NUM_PPN": str(job["cores"]),
            "PBS_QUEUE": job["queue"],
            "PBS_TASKNUM": "1",
            "PBS_VERSION": "TORQUE-6.1.3.h5",
            "PBS_VNODENUM": "0",
            "PBS_WALLTIME": str(job["seconds"]),
            **({"PBS_ARRAYID": self.task} if self.task else {}),
        }
        base = {"HOME": home, "LOGNAME": user, "USER": user, "SHELL": "/bin/bash", "PATH": "/usr/local/bin:/usr/bin:/bin"}
        return {**base, **dict(job["variables"]), **own}

    def directory(self, home):
        return self.job.get("initial") or home

    def shell(self):
        program = self.job.get("shell") or "/bin/bash"
        return program, [f"-{os.path.basename(program)}"]

    def input(self):
        # a login shell reads from its input what it is to run
        path = f"{SPOOL}/mom_priv/jobs/{self.id}.TA"
        with open(path, "w") as file:
            file.write(f"{self.script}\n")
        return os.open(path, os.O_RDONLY)

    def note_limit(self, used):
        with open(self.spooled("out" if self.joined else "err"), "a") as file:
            file.write(f"=>> PBS: job killed: walltime {used} exceeded limit {self.limit}\n")

    def target(self, which):
        letter = "o" if which == "out" else "e"
        file = f"{self.job['name']}.{letter}{self.number}" + (f"-{self.task}" if self.task else "")
        given = self.job.get("output" if which == "out" else "error")
        path = f"{self.job['dir']}/{file}" if given is None else given + file if given.endswith("/") else given
        return os.path.join(self.job["dir"], path)

    def finish(self, code):
        for which in ("out",) if self.joined else ("out", "err"):
            deliver(self.spooled(which), self.target(which))
            os.unlink(self.spooled(which))
        for path in (self.nodefile, self.script, f"{SPOOL}/mom_priv/jobs/{self.id}.TA"):
            if os.path.exists(path):
                os.unlink(path)
