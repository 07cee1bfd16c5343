"""What runs at both ends of a way that is measured.

relay-flow.py serve ADDRESS PORT             in place of the pool
relay-flow.py get|put ADDRESS PORT BYTES N   N connections at once; prints the seconds that all took
relay-flow.py ping ADDRESS PORT COUNT        prints [ms of a connection with its first answer], [ms of each further answer]
relay-flow.py nodes FROM COUNT -- COMMAND    COUNT times COMMAND, each a glide-in's ssh, with %d in it from FROM on; each one's
                                             connections are said to be its own, as glidein/relay.sh does; prints when all are there
"""
import json, os, select, socket, subprocess, sys, threading, time

what = sys.argv[1]
piece = b"\0" * 65536


def serve(s):
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with s, s.makefile("rb") as lines:
        for line in lines:
            verb, count = line.split()
            count = int(count)
            if verb == b"get":
                while count > 0:
                    s.sendall(piece[: min(count, 65536)])
                    count -= 65536
            elif verb == b"put":
                while count > 0:
                    count -= len(lines.read(min(count, 65536)))
                s.sendall(b"!")
            else:
                s.sendall(b"!")


def dial():
    s = socket.create_connection((sys.argv[2], int(sys.argv[3])))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def take(s, count):
    while count > 0:
        got = len(s.recv(min(count, 65536)))
        if not got:
            print("the connection ended", file=sys.stderr, flush=True)
            os._exit(1)
        count -= got


def move(count):
    s = dial()
    s.sendall(b"%s %d\n" % (what.encode(), count))
    if what == "get":
        take(s, count)
    else:
        for n in range(0, count, 65536):
            s.sendall(piece[: min(count - n, 65536)])
        take(s, 1)


def ask(s):
    s.sendall(b"ping 0\n")
    take(s, 1)


def nodes(first, count, command):
    guards = []
    for n in range(first, first + count):
        argv = [word.replace("%d", str(n)) for word in command]
        guards.append(subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        if n % 10 == 9:
            time.sleep(0.3)
    by_file = {guard.stdout.fileno(): guard for guard in guards}
    ready, begun = 0, time.monotonic()
    while by_file:
        for file in select.select(list(by_file), [], [])[0]:
            lines = os.read(file, 65536)
            if not lines:
                sys.exit("a glide-in lost the relay")
            for line in lines.split():
                if line == b"ready":
                    ready += 1
                    if ready == count:
                        print("%.1f" % (time.monotonic() - begun), flush=True)
            for line in lines.split(b"\n"):
                if line and line != b"ready":
                    os.write(by_file[file].stdin.fileno(), line + b" ours\n")


if what == "serve":
    server = socket.create_server((sys.argv[2], int(sys.argv[3])), backlog=1000)
    print("ready", flush=True)
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
elif what in ("get", "put"):
    began = time.monotonic()
    all = [threading.Thread(target=move, args=(int(sys.argv[4]),)) for _ in range(int(sys.argv[5]))]
    for one in all:
        one.start()
    for one in all:
        one.join()
    print(time.monotonic() - began)
elif what == "ping":
    first, others = [], []
    for n in range(int(sys.argv[4])):
        began = time.monotonic()
        s = dial()
        ask(s)
        first.append((time.monotonic() - began) * 1000)
        for _ in range(3):
            began = time.monotonic()
            ask(s)
            others.append((time.monotonic() - began) * 1000)
        s.close()
    print(json.dumps([first, others]))
elif what == "nodes":
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    nodes(int(sys.argv[2]), int(sys.argv[3]), sys.argv[5:])
