# A stand-in for a workflow engine of many steps that do not depend on each other: it hands them to the job controller as
# templates/engines/snakemake_engine.py does, at most 300 at a time. It is started in place of Python: wide.py -s -u ENGINE DIRECTORY.
import os
import sys
import threading

engine, directory = sys.argv[3:5]
sys.path.insert(0, os.path.dirname(engine))
sys.argv = [engine, directory]
from controller import main  # noqa: E402

MAX_STEPS = 300


def run_all(run):
    steps = run.parameters["steps"]
    run.total(steps)
    numbers = iter(range(steps))
    lock = threading.Lock()
    failed = []

    def work():
        while True:
            with lock:
                n = next(numbers, None)
            if n is None:
                return
            command = f"make part >part/{n}.txt"
            job = run.controller.submit(f"part {n % 7}", f"part\n{n}", "", command, command, {})
            if run.controller.wait(job)["status"] != "finished":
                failed.append(n)

    threads = [threading.Thread(target=work) for _ in range(MAX_STEPS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return f"{len(failed)} steps failed" if failed else None


main(run_all)
