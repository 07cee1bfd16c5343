# Plays, for one job on its first node, the daemon that a batch system has on each compute node: spools the script and
# the output, runs the script under its shell in a session of its own, ends what outlives that shell, delivers the output.
# Runs as the job's user, as Slurm's batch script; JOB and the class Node come before it.
import os, pwd, shutil, signal, sys, time


def hosts():
    """`c[1-2]` of Slurm is c1 and c2."""
    text = os.environ["SLURM_JOB_NODELIST"]
    prefix, _, ranges = text.rstrip("]").partition("[")
    if not ranges:
        return text.split(",")
    spans = [span.split("-") for span in ranges.split(",")]
    return [f"{prefix}{n}" for first, *rest in spans for n in range(int(first), int((rest or [first])[0]) + 1)]


def session_of(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return int(stat.read().rpartition(")")[2].split()[3])
    except (OSError, IndexError):
        return None


def signal_session(leader, number):
    """@returns how many it reached"""
    reached = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if session_of(pid) == leader and int(pid) != os.getpid():
            try:
                os.kill(int(pid), number)
                reached += 1
            except OSError:
                pass
    return reached


def begin(node, home):
    """Starts the job's top shell. @returns its process id"""
    out = os.open(node.spooled("out"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    err = out if node.joined else os.open(node.spooled("err"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    environment = node.environment(home)
    pid = os.fork()
    if pid:
        return pid
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        os.umask(0o022)
        os.chdir(node.directory(home))
        for number, fd in ((0, node.input()), (1, out), (2, err)):
            os.dup2(fd, number)
        os.closerange(3, 256)
        program, argv = node.shell()
        os.execve(program, argv, environment)
    except OSError as problem:
        os.write(2, f"{problem.strerror}\n".encode())
    os._exit(254)


def deliver(source, target):
    try:
        shutil.copyfile(source, target)
        os.chmod(target, 0o600)
    except OSError:
        pass


def append(source, target, head):
    try:
        with open(source) as spooled, open(target, "a") as file:
            file.write(head + spooled.read())
    except OSError:
        pass


def main():
    node = Node(JOB, hosts())
    home = pwd.getpwuid(os.getuid()).pw_dir
    asked = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, lambda got, _: asked.append(got))
    node.prepare()
    began = time.monotonic()
    top = begin(node, home)
    due, over_limit = [], False
    while True:
        done, status = os.waitpid(top, os.WNOHANG)
        if done:
            break
        now = time.monotonic()
        if not due and not over_limit and now - began > node.limit:
            over_limit = True
            node.note_limit(int(now - began))
            due = [(now + after, number) for after, number in getattr(node, "limited", node.ending)]
        if not due and asked:
            due = [(now + after, number) for after, number in node.ending]
        if due and now >= due[0][0]:
            signal_session(top, due[0][1])
            due = due[1:] or [(now + 1, signal.SIGKILL)]
        time.sleep(0.03)
    for _ in range(50 if node.sweeps else 0):
        if signal_session(top, signal.SIGKILL) == 0:
            break
        time.sleep(0.02)
    code = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    node.finish(code)
    number = signal.SIGXCPU if over_limit else os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number:
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    sys.exit(code)


main()
