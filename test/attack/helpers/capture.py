"""Writes every frame that this machine's network cards see into a file, as tcpdump would: capture.py FILE; needs root."""
import socket, sys

card = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
card.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
with open(sys.argv[1], "wb", buffering=0) as file:
    print("ready", flush=True)
    while True:
        frame, (interface, *_) = card.recvfrom(1 << 17)
        if interface != "lo":
            file.write(frame)
