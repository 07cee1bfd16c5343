"""What another user of a machine does to a port: bob.py squat|flood|speak ADDRESS PORT …"""
import os, resource, select, socket, sys, time

what, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)

if what == "squat":  # listens there, or at all addresses, and writes down what it is told: squat ADDRESS PORT FILE
    while True:
        try:
            server = socket.create_server((address, port))
            break
        except OSError:  # it is taken for now
            time.sleep(0.02)
    with open(sys.argv[4], "wb", buffering=0) as heard:
        os.chmod(sys.argv[4], 0o644)
        print("ready", flush=True)
        server.settimeout(1)
        held = []
        while True:
            try:
                held.append(server.accept()[0])
            except TimeoutError:
                pass
            for s in select.select(held, [], [], 0)[0]:
                got = s.recv(65536)
                if got:
                    heard.write(got)
                else:
                    held.remove(s)
elif what == "flood":  # connects again and again, and never speaks: flood ADDRESS PORT SECONDS
    end, held, made = time.monotonic() + float(sys.argv[4]), [], 0
    while time.monotonic() < end:
        s = socket.socket()
        s.settimeout(2)
        try:
            s.connect((address, port))
            made += 1
            held.append(s)
        except OSError:
            time.sleep(0.01)
        if len(held) > 3000:
            held.pop(0).close()
    print(made)
elif what == "speak":  # from many source addresses and ports: speak ADDRESS PORT COUNT; prints how many bytes came back
    came = 0
    for n in range(int(sys.argv[4])):
        for family, there, source in (
            (socket.AF_INET, address, "127.%d.%d.%d" % (n % 255, n % 7, 1 + n % 200)),
            (socket.AF_INET, address, address),
            (socket.AF_INET6, "::ffff:" + address, "::ffff:127.0.0.1"),
        ):
            s = socket.socket(family)
            s.settimeout(5)
            s.bind((source, 0))
            s.connect((there, port))
            try:
                s.sendall(b"GET / HTTP/1.1\r\n\r\n" * 20)
                came += len(s.recv(4096))
            except OSError:
                pass
            s.close()
    print(came)
