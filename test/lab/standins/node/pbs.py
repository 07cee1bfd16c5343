# pbs_mom of OpenPBS 23.06, as far as a job can tell.
import os, secrets, shutil, signal

SPOOL = "/var/spool/pbs"


class Node:
    # qdel's TERM, and KILL after the server's kill_delay
    ending = ((0, signal.SIGTERM), (10, signal.SIGKILL))
    # what is left of the session when its top shell has ended is killed, pbs_mom's kill_job
    sweeps = True

    def __init__(self, job, hosts):
        self.job, self.hosts = job, hosts
        self.number = os.environ.get("SLURM_ARRAY_JOB_ID") or os.environ["SLURM_JOB_ID"]
        self.task = os.environ.get("SLURM_ARRAY_TASK_ID")
        self.array = f"{self.number}[].{job['server']}"
        self.id = f"{self.number}[{self.task}].{job['server']}" if self.task else f"{self.number}.{job['server']}"
        self.joined = job["join"] == "oe"
        self.limit = job["seconds"]
        self.nodefile = f"{SPOOL}/aux/{self.id}"
        self.script = f"{SPOOL}/mom_priv/jobs/{self.id}.SC"
        self.named = f"{SPOOL}/mom_priv/jobs/{self.id}.NM"
        self.temporary = f"/var/tmp/pbs.{self.id}"

    def spooled(self, which):
        return f"{SPOOL}/spool/{self.id}.{'OU' if which == 'out' else 'ER'}"

    def prepare(self):
        os.makedirs(self.temporary, mode=0o700, exist_ok=True)
        with open(self.nodefile, "w") as file:
            file.write("".join(f"{host}\n" for host in self.hosts))
        with open(os.open(self.script, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o700), "w") as file:
            file.write(self.job["script"])

    def environment(self, home):
        job = self.job
        user = job["user"]
        own = {
            "NCPUS": str(job["cores"]),
            "OMP_NUM_THREADS": str(job["cores"]),
            "PBS_ENVIRONMENT": "PBS_BATCH",
            "PBS_JOBCOOKIE": secrets.token_hex(16).upper(),
            "PBS_JOBDIR": home,
            "PBS_JOBID": self.id,
            "PBS_JOBNAME": job["name"],
            "PBS_MOMPORT": "15003",
            "PBS_NODEFILE": self.nodefile,
            "PBS_NODENUM": "0",
            "PBS_QUEUE": job["queue"],
            "PBS_TASKNUM": "1",
            "TMPDIR": self.temporary,
            **({"PBS_ACCOUNT": job["account"]} if job.get("account") else {}),
            **({"PBS_ARRAY_ID": self.array, "PBS_ARRAY_INDEX": self.task} if self.task else {}),
        }
        base = {"HOME": home, "LOGNAME": user, "USER": user, "SHELL": "/bin/bash", "PATH": "/usr/local/bin:/usr/bin:/bin"}
        return {**base, **dict(job["variables"]), **own}

    def directory(self, home):
        return home

    def shell(self):
        program = self.job.get("shell") or "/bin/bash"
        return program, [f"-{os.path.basename(program)}"]

    def input(self):
        # a login shell reads from its input what it is to run
        with open(self.named, "w") as file:
            file.write(f"{self.script}\n")
        return os.open(self.named, os.O_RDONLY)

    def note_limit(self, used):
        with open(self.spooled("out" if self.joined else "err"), "a") as file:
            file.write(f"=>> PBS: job killed: walltime {used} exceeded limit {self.limit}\n")

    def target(self, which):
        letter, suffix = ("o", "OU") if which == "out" else ("e", "ER")
        file = f"{self.job['name']}.{letter}{self.number}" + (f".{self.task}" if self.task else "")
        given = self.job.get("output" if which == "out" else "error")
        path = os.path.join(self.job["dir"], given or file)
        # a directory gets a file that is named by the job's id
        return os.path.join(path, f"{self.id}.{suffix}") if given and os.path.isdir(path) else path

    def finish(self, code):
        for which in ("out",) if self.joined else ("out", "err"):
            deliver(self.spooled(which), self.target(which))
            os.unlink(self.spooled(which))
        for path in (self.nodefile, self.script, self.named):
            if os.path.exists(path):
                os.unlink(path)
        shutil.rmtree(self.temporary, ignore_errors=True)
