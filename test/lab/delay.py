"""Delays every Ethernet frame between two interfaces: delay.py INTERFACE INTERFACE MILLISECONDS (one way).

Stands in for tc's netem, which not every kernel has. Frames are passed on with their virtio header, so that
segmentation and checksum offload, which veth pairs leave unfinished, stay as the sender meant them.
"""

import collections
import socket
import sys
import threading
import time

ETH_P_ALL, SOL_PACKET, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 3, 263, 15, 23


def tap(interface):
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    tap.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    tap.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
    tap.bind((interface, ETH_P_ALL))
    return tap


def carry(source, sink, seconds):
    waiting, arrived = collections.deque(), threading.Semaphore(0)

    def send():
        while True:
            arrived.acquire()
            due, frame = waiting.popleft()
            time.sleep(max(0, due - time.monotonic()))
            try:
                sink.send(frame)
            except OSError:
                pass  # a link that is down loses frames, as links do

    threading.Thread(target=send, daemon=True).start()
    while True:
        try:
            frame = source.recv(1 << 17)
        except OSError:
            continue
        waiting.append((time.monotonic() + seconds, frame))
        arrived.release()


left, right = tap(sys.argv[1]), tap(sys.argv[2])
seconds = float(sys.argv[3]) / 1000
threading.Thread(target=carry, args=(left, right, seconds), daemon=True).start()
print("ready", flush=True)
carry(right, left, seconds)
