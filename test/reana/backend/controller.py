"""The job controller with the backend, answering on a port of 127.0.0.1: controller.py PORT."""

import sys

import conftest  # noqa: F401  (the path)
from scailfin_backend.app import app

app.run(port=int(sys.argv[1]), threaded=True)
