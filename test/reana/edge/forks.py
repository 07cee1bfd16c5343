"""Runs a Python program again and again, each time in a process of its own, without the time that its packages take to load.

forks.py PROGRAM PACKAGE…: loads the packages, then forks for every line of JSON on its standard input:
{"args": […], "cwd": …, "env": {…}}, and answers with {"exitCode": …, "out": what it printed}. The program itself is loaded by
the child, which has nothing but the loaded packages of another process.
"""
import importlib
import json
import os
import runpy
import sys
import tempfile


def child(program, args, cwd, env, out):
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = [program, *args]
    runpy.run_path(program, run_name="__main__")


def run(program, request):
    with tempfile.TemporaryFile() as out:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                child(program, out=out.fileno(), **request)
                status = 0
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
                if isinstance(end.code, str):
                    print(end.code, file=sys.stderr)
            except BaseException:
                sys.excepthook(*sys.exc_info())
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        _, status = os.waitpid(pid, 0)
        out.seek(0)
        return {"exitCode": os.waitstatus_to_exitcode(status), "out": out.read().decode("utf-8", "replace")}


program, *packages = sys.argv[1:]
for package in packages:
    importlib.import_module(package)
for line in sys.stdin:
    print(json.dumps(run(program, json.loads(line))), flush=True)
