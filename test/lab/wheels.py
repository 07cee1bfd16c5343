"""Stands in for PyPI's file server on a lab's host: sends the files of a directory, and says that they never change.

    wheels.py DIRECTORY

Listens on port 8081 of IPv6's loopback address, and goes on in the background as soon as it does. If it is there already, nothing happens.
"""

import functools
import http.server
import os
import socket
import sys


class Handler(http.server.SimpleHTTPRequestHandler):
    def end_headers(self):
        # as files.pythonhosted.org does
        self.send_header("Cache-Control", "max-age=365000000, immutable, public")
        super().end_headers()


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


try:
    server = Server(("::1", 8081), functools.partial(Handler, directory=sys.argv[1]))
except OSError:
    sys.exit(0)
if os.fork():
    os._exit(0)
os.setsid()
null = os.open(os.devnull, os.O_RDWR)
for fd in range(3):
    os.dup2(null, fd)
server.serve_forever()
