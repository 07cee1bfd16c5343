"""Uses the pool by Parsl, and says what it saw.

    program.py TASKS [SECONDS [BLOCKS]]     squares numbers, each task taking SECONDS; waits first until BLOCKS are there
"""

import sys
import time

import parsl
import pool
from parsl import bash_app, python_app

tasks, seconds, blocks = int(sys.argv[1]), float((sys.argv[2:] or [0])[0]), int((sys.argv[3:] or [0])[0])


@python_app
def square(n, seconds):
    import socket
    import time

    time.sleep(seconds)
    return n * n, socket.gethostname()


@bash_app
def write(text, path, stdout=None):
    return "umask 077; echo %s >%s; echo said" % (text, path)


@bash_app
def fail():
    return "exit 7"


@python_app
def read(path, after):
    import os

    with open(path) as file:
        text = file.read().strip()
    os.unlink(path)
    return text


if len(sys.argv) > 3:
    # so that the dead are noticed sooner
    executor = pool.config.executors[0]
    executor.heartbeat_period, executor.heartbeat_threshold = 5, 30
began = time.time()
with parsl.load(pool.config):
    first = square(3, 0).result()
    print("first", first[0], flush=True)
    print("first task after %.1f s" % (time.time() - began), file=sys.stderr)
    if tasks == 0:
        # one block has one node's files
        written = write("hello", "/tmp/parsl-wrote")
        print("bash", written.result(), read("/tmp/parsl-wrote", written).result(), flush=True)
        try:
            fail().result()
        except Exception as error:
            print("failed", type(error).__name__, error.exitcode, flush=True)
        try:
            square("x", 0).result()
        except Exception as error:
            print("failed", type(error).__name__, flush=True)
    if blocks:
        # blocks come, and stay, while many tasks wait
        waiting = []
        while len(executor.connected_managers()) < blocks:
            waiting = [one for one in waiting if not one.done()]
            waiting += [square(0, 0.5) for _ in range(8 * blocks - len(waiting))]
            time.sleep(0.2)
        for one in waiting:
            one.result()
        print("blocks", blocks, flush=True)
    began = time.time()
    done = [future.result() for future in [square(n, seconds) for n in range(tasks)]]
    print("sum", sum(n for n, _ in done), "on", *sorted({host for _, host in done}), flush=True)
    print("%d tasks in %.1f s" % (tasks, time.time() - began), file=sys.stderr)
