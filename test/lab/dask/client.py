"""Uses the Dask that its environment names, and says what it saw.

    client.py WORKERS [SECONDS]     squares numbers on that many workers, each task taking SECONDS
"""

import sys
import time

from distributed import Client

count, seconds = int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0


def square(n):
    time.sleep(seconds)
    return n * n


def node():
    import socket

    return socket.gethostname()


with Client(timeout=20) as client:
    client.wait_for_workers(count, timeout=90)
    print("nodes", *sorted(client.run(node).values()), flush=True)
    futures = client.map(square, range(200), pure=False)
    print("sum", sum(client.gather(futures)), flush=True)
    # what one worker made, another one reads
    workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
    made = client.submit(bytes, 5_000_000, workers=[workers[0]])
    print("moved", client.submit(len, made, workers=[workers[-1]]).result(), flush=True)
