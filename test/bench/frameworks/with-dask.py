"""A map of short tasks by Dask: with-dask.py pool|slurm WORKERS CORES TASKS ROUNDS; prints what it took as one line of JSON."""

import json
import sys
import time

where, workers, cores, tasks, rounds = sys.argv[1], *map(int, sys.argv[2:])


def square(n):
    return n * n


# as a script of Slurm starts it: a spawned process must not do it again
if __name__ == "__main__":
    began = time.perf_counter()
    if where == "pool":
        # ---- what the user writes
        from distributed import Client

        client = Client()
        # ----
    else:
        # ---- what the user writes
        from dask_jobqueue import SLURMCluster
        from distributed import Client

        cluster = SLURMCluster(queue="debug", cores=cores, processes=1, memory="600MB", walltime="00:30:00", interface="lan")
        cluster.scale(jobs=workers)
        client = Client(cluster)
        # ----
    assert client.submit(square, 3, pure=False).result() == 9
    first = time.perf_counter() - began
    client.wait_for_workers(workers, timeout=120)
    took = []
    for round in range(rounds + 1):
        start = time.perf_counter()
        found = client.gather(client.map(square, range(tasks), pure=False))
        # the first one warms up
        if round > 0:
            took.append(time.perf_counter() - start)
        assert found == [n * n for n in range(tasks)], "the results are wrong"
    threads = sum(client.nthreads().values())
    client.close()
    if where == "slurm":
        cluster.close()
    print(json.dumps({"first": first, "took": took, "threads": threads}))
