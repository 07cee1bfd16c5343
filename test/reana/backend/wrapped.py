"""A step from its workspace to the wrapper and back, without a pool: what HTCondor carries is in one directory."""

import os
import subprocess
from pathlib import Path

from scailfin_backend import inputs, report
from scailfin_backend.files import items_of
from scailfin_backend.merge import Merge

WRAPPER = os.environ["SCAILFIN_STEP_SCRIPT"]


def step_of(workspace, command, **more):
    """Return a step as the manager hands it over."""
    values = {"id": "one", "name": "step", "workspace": str(workspace), "image": "", "command": command}
    return dict(values, environment={}, secrets={}, **more)


class Wrapped:
    """One step in a directory of its own."""

    def __init__(self, directory, step):
        """Prepare its files."""
        self.directory, self.step = Path(directory), step
        self.directory.mkdir(exist_ok=True)
        self.size = inputs.prepare(str(directory), step)
        self.writers = {}

    def run(self):
        """Run it to its end. Returns its status."""
        env = {"PATH": os.environ["PATH"], "_CONDOR_SCRATCH_DIR": str(self.directory)}
        done = subprocess.run(["/bin/sh", WRAPPER], cwd=self.directory, env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60)
        self.stdout, self.stderr = done.stdout, done.stderr.decode()
        self.report = report.parse((self.directory / "report").read_text())
        return done.returncode

    def merge(self):
        """Bring back what it changed. Returns the notes."""
        before = items_of((self.directory / "manifest").read_bytes())
        merge = Merge(self.step["workspace"], before, self.step["name"], self.writers)
        return merge.run(str(self.directory / "changed.tar"), self.report.deleted)
