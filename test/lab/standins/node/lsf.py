# sbatchd of OpenLava 4, as far as a job can tell.
import os, signal, time


class Node:
    # bkill's signals, JOB_TERMINATE_INTERVAL apart, bkill(1)
    ending = ((0, signal.SIGINT), (10, signal.SIGTERM), (20, signal.SIGKILL))
    # at the run limit USR2 comes first, bsub(1) -W
    limited = ((0, signal.SIGUSR2), (10, signal.SIGINT), (20, signal.SIGTERM), (30, signal.SIGKILL))
    # what outlives the job's shell is nobody's
    sweeps = False

    def __init__(self, job, hosts):
        self.job, self.hosts = job, hosts
        self.number = os.environ.get("SLURM_ARRAY_JOB_ID") or os.environ["SLURM_JOB_ID"]
        self.task = os.environ.get("SLURM_ARRAY_TASK_ID")
        self.last = os.environ.get("SLURM_ARRAY_TASK_MAX", "0")
        self.joined = job.get("error") is None
        self.limit = job["seconds"]
        self.began = time.time()
        index = f".{self.task}" if self.task else ""
        self.base = f"{job['home']}/.lsbatch/{int(self.began)}.{self.number}{index}"

    def title(self):
        array = self.job.get("array")
        return f"{self.job['name']}[{array.split('%')[0]}]" if array else self.job["name"]

    def spooled(self, which):
        return f"{self.base}.{which}"

    def prepare(self):
        os.makedirs(os.path.dirname(self.base), mode=0o700, exist_ok=True)
        self.put(f"{self.base}.shell", self.job["script"])
        self.put(self.base, '#!/bin/sh\n"$LSB_JOBFILENAME.shell"\nExitStat=$?\nwait\nexit "$ExitStat"\n')

    def put(self, path, text):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o700), "w") as file:
            file.write(text)

    def per_host(self):
        return -(-self.job["slots"] // len(self.hosts))

    def environment(self, home):
        job = self.job
        slots = [host for host in self.hosts for _ in range(self.per_host())]
        own = {
            "HOME": home,
            "LSB_DJOB_NUMPROC": str(job["slots"]),
            "LSB_HOSTS": " ".join(slots),
            "LSB_JOBFILENAME": self.base,
            "LSB_JOBID": self.number,
            "LSB_JOBINDEX": self.task or "0",
            "LSB_JOBNAME": self.title(),
            "LSB_MAX_NUM_PROCESSORS": str(job["slots"]),
            "LSB_MCPU_HOSTS": "".join(f"{host} {self.per_host()} " for host in self.hosts),
            "LSB_QUEUE": job["queue"],
            "LSB_SUB_HOST": job["host"],
            "LSB_UNIXGROUP": job["user"],
            "LSFUSER": job["user"],
            "LS_EXEC_T": "START",
            "LS_JOBPID": str(os.getpid()),
            "LS_SUBCWD": job["dir"],
            **({"LSB_JOBINDEX_END": self.last, "LSB_JOBINDEX_STEP": "1"} if self.task else {}),
            **({"LSB_OUTPUTFILE": self.target("out")} if job.get("output") else {}),
        }
        # unlike others, LSF hands the environment of bsub on
        return {**job["env"], **own}

    def directory(self, home):
        return self.job["dir"]

    def shell(self):
        return "/bin/sh", ["/bin/sh", self.base]

    def input(self):
        return os.open("/dev/null", os.O_RDONLY)

    def note_limit(self, used):
        pass

    def target(self, which):
        given = self.job.get("output" if which == "out" else "error")
        path = (given or "").replace("%J", self.number).replace("%I", self.task or "0")
        return os.path.join(self.job["dir"], path)

    def report(self, code):
        job, name = self.job, self.title()
        number = f"{self.number}[{self.task}]" if self.task else self.number
        hosts = ">, <".join(self.hosts)
        line = "-" * 60
        return f"""Sender: OpenLava System <lsfadmin@{job['master']}>
Subject: Job {number}: <{name}> {'Exited' if code else 'Done'}

Job <{name}> was submitted from host <{job['host']}> by user <{job['user']}>.
Job was executed on host(s) <{hosts}>, in queue <{job['queue']}>, as user <{job['user']}>.
</home/{job['user']}> was used as the home directory.
<{job['dir']}> was used as the working directory.
Started at {time.ctime(self.began)}
Results reported at {time.ctime()}

Your job looked like:

{line}
# LSBATCH: User input
{job['script']}
{line}

{f'Exited with exit code {code}.' if code else 'Successfully completed.'}

Resource usage summary:

    CPU time   :      0.00 sec.

The output (if any) follows:

"""

    def finish(self, code):
        for which in ("out",) if self.joined else ("out", "err"):
            if self.job.get("output" if which == "out" else "error"):
                head = self.report(code) if which == "out" else ""
                append(self.spooled(which), self.target(which), head)
            os.unlink(self.spooled(which))
        for path in (self.base, f"{self.base}.shell"):
            os.unlink(path)
