"""A map of short tasks by Parsl: with-parsl.py pool|slurm BLOCKS CORES TASKS ROUNDS; prints what it took as one line of JSON."""

import json
import sys
import time

where, workers, cores, tasks, rounds = sys.argv[1], *map(int, sys.argv[2:])
began = time.perf_counter()

import parsl

if where == "pool":
    # ---- what the user writes
    import pool

    config = pool.config
    # ----
else:
    # ---- what the user writes
    from parsl.addresses import address_by_interface
    from parsl.config import Config
    from parsl.executors import HighThroughputExecutor
    from parsl.providers import SlurmProvider

    provider = SlurmProvider(
        partition="debug",
        cores_per_node=cores,
        mem_per_node=1,
        exclusive=False,
        walltime="00:30:00",
        worker_init="source ~/own/bin/activate",
        init_blocks=1,
        max_blocks=workers,
    )
    config = Config(
        executors=[HighThroughputExecutor(address=address_by_interface("lan"), encrypted=True, provider=provider)],
        retries=3,
    )
    # ----


@parsl.python_app
def square(n):
    return n * n


@parsl.python_app
def rest(seconds):
    import time

    time.sleep(seconds)


with parsl.load(config):
    assert square(3).result() == 9
    first = time.perf_counter() - began
    [executor] = config.executors
    # Parsl asks for more blocks when tasks wait
    until = time.perf_counter() + 200
    while len(executor.connected_managers()) < workers:
        assert time.perf_counter() < until, "not all blocks came"
        for one in [rest(0.5) for _ in range(4 * workers * cores)]:
            one.result()
    took = []
    for round in range(rounds + 1):
        start = time.perf_counter()
        found = [future.result() for future in [square(n) for n in range(tasks)]]
        if round > 0:
            took.append(time.perf_counter() - start)
        assert found == [n * n for n in range(tasks)], "the results are wrong"
    threads = sum(manager["worker_count"] for manager in executor.connected_managers())
print(json.dumps({"first": first, "took": took, "threads": threads}))
