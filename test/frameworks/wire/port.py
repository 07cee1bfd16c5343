"""Stands in for HTCondor's shared port: passes a connection on to the Unix socket that its first packet names.

    port.py DIR     prints the port on which it listens; sockets are in DIR
"""

import array
import os
import socket
import struct
import sys
import threading


def exactly(sock, n):
    data = b""
    while len(data) < n:
        part = sock.recv(n - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def pass_on(caller, place):
    try:
        end, length = struct.unpack(">BI", exactly(caller, 5))
        body = exactly(caller, length)
        (command,) = struct.unpack(">q", body[:8])
        name, _, rest = body[8:].partition(b"\0")
        assert end == 1 and command == 75 and rest[:1] == b"\0" and len(rest) == 17
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(os.path.join(place, name.decode()))
            link.sendall(b"\x01\x00\x00\x00\x08" + struct.pack(">q", 76))
            link.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [caller.fileno()]))])
            link.recv(1)
    except (OSError, EOFError, AssertionError, struct.error) as error:
        print("not passed on:", repr(error), file=sys.stderr, flush=True)
    finally:
        caller.close()


server = socket.create_server(("127.0.0.1", 0), backlog=1024)
print(server.getsockname()[1], flush=True)
while True:
    threading.Thread(target=pass_on, args=(server.accept()[0], sys.argv[1]), daemon=True).start()
