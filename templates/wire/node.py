"""A worker's end of the wire: lets a program on a compute node reach a service of the headnode.

    node.py SERVICE[:WHO[@SOCKET]|@ADDRESS] COMMAND…

Listens on a port of the node's loopback address, and runs COMMAND with that port in the place of {port}. Each connection to
it goes to the service: by TLS, through the one port of the headnode that a compute node can call (head.py says how). The
address of that port is in $SCAILFIN_POOL; beside this file are the certificate of the other end, and the key of the service.
Ends when COMMAND ends, with its status.

If WHO is given, others can call COMMAND by this name: it is connected with them at the port {listen} of loopback, or, if SOCKET is given, at
this Unix socket, as soon as it is there. COMMAND itself calls others at the port {calls}: it says the name in a line, and reads `ok` in a line.

If ADDRESS is given, the service is a network. COMMAND listens at this address of the node's loopback network, which no other worker has, and
reaches the others, and the headnode, at theirs: on this node, their addresses and ports lead to them. COMMAND starts when the
others know of it.
"""

import asyncio
import hashlib
import os
import resource
import signal
import socket
import ssl
import struct
import sys

PATIENCE = 15
CHUNK = 256 * 1024
SHARED_PORT_CONNECT = 75


def preamble(name):
    """What HTCondor's shared port reads (SharedPortServer::HandleConnectRequest): whom to pass the connection on to, who
    asks, how many seconds that may take, and no further words; as one packet of CEDAR."""
    body = struct.pack(">q", SHARED_PORT_CONNECT) + name + b"\0\0" + struct.pack(">qq", PATIENCE, 0)
    return b"\x01" + struct.pack(">I", len(body)) + body


class Wire:
    def __init__(self, service, place):
        host, _, port = os.environ.get("SCAILFIN_POOL", "").rpartition(":")
        if not host:
            sys.exit("scailfin: this glide-in does not say where the pool is: it was started by an older scailfin")
        self.pool = host, int(port)
        with open(os.path.join(place, "key")) as file:
            self.name = ("%s %s" % (service, file.read().strip())).encode()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # this very certificate, whatever name it has
        self.context.check_hostname = False
        self.context.load_verify_locations(os.path.join(place, "cert.pem"))
        if hasattr(ssl, "TLSVersion"):
            self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        else:
            self.context.options |= ssl.OP_NO_TLSv1 | ssl.OP_NO_TLSv1_1
        self.loop = asyncio.get_event_loop()
        self.told = None
        self.tasks = set()
        # of a network: by address, what listens here for its ports; absent for the ports that could not be had yet
        self.others = {}
        self.joined = asyncio.Event()

    def begin(self, work):
        """Runs a coroutine. The loop itself keeps no task from being collected (asyncio's documentation, create_task)."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def say(self, text):
        # a program that tries again and again would fill the log
        if text != self.told:
            print("scailfin: " + text, file=sys.stderr, flush=True)
        self.told = text

    async def serve(self, reader, writer, is_call=False, wanted=b""):
        writers = [writer]
        try:
            if not ours(writer.get_extra_info("socket")):
                return self.say("a connection of another user of this node was refused")
            if is_call:
                who = await asyncio.wait_for(reader.readuntil(b"\n"), PATIENCE)
                wanted = b" call " + who.strip()
            far = await asyncio.wait_for(self.call(writers, wanted), 2 * PATIENCE)
            if is_call:
                writer.write(b"ok\n")
            else:
                self.say("connected")
            await join((reader, writer), far)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
            self.say("the headnode could not be reached at %s port %d: %s" % (self.pool + (error or type(error).__name__,)))
        finally:
            for each in writers:
                each.close()

    async def serve_call(self, reader, writer):
        await self.serve(reader, writer, True)

    async def listen(self, who, port):
        """Stays connected, and connects whoever calls with a port or a Unix socket of this node."""
        while True:
            writers = []
            while isinstance(port, str) and not os.path.exists(port):
                await asyncio.sleep(0.2)
            try:
                reader, _ = await asyncio.wait_for(self.call(writers, b" listen " + who.encode()), PATIENCE)
                while True:
                    line = await reader.readline()
                    if not line:
                        break
                    self.begin(self.answer(line.split()[1], port))
            except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
                self.say("nobody can call this worker now: %s" % (error or type(error).__name__))
            finally:
                for each in writers:
                    each.close()
            await asyncio.sleep(1)

    async def join(self, address):
        """Has an address of the network, and leads to the others' addresses."""
        who = b" join %s-%s" % (address.encode(), machine().encode())
        while True:
            writers = []
            gone = set(self.others)
            try:
                reader, _ = await asyncio.wait_for(self.call(writers, who), PATIENCE)
                while True:
                    line = await reader.readline()
                    verb, *words = line.decode().split() or [""]
                    if verb == "call":
                        self.begin(self.answer(words[0].encode(), int(words[1]), address))
                    elif verb == "at":
                        gone.discard(words[0])
                        await self.meet(*words)
                    elif verb == "gone":
                        self.forget(words[0])
                    elif verb == "all":
                        for other in gone:
                            self.forget(other)
                        self.joined.set()
                    else:
                        break
            except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
                self.say("nobody can call this worker now: %s" % (error or type(error).__name__))
            finally:
                for each in writers:
                    each.close()
            await asyncio.sleep(1)

    async def meet(self, address, where, ports):
        # those on this machine are reached without any help
        if where == machine():
            return
        servers = self.others.setdefault(address, {})
        await self.listen_for(address, [port for port in map(int, ports.split(",")) if servers.get(port) is None])

    async def listen_for(self, address, ports):
        for port in ports:
            self.others[address][port] = None

            async def serve(reader, writer, wanted=b" call %s-%d" % (address.encode(), port)):
                await self.serve(reader, writer, False, wanted)

            try:
                self.others[address][port] = await asyncio.start_server(serve, address, port, limit=CHUNK)
            except OSError:
                # another worker of this node listens there, for both
                pass

    async def take_over(self):
        """Listens where another worker of this node did, once that one is gone."""
        while True:
            await asyncio.sleep(1)
            for address, servers in list(self.others.items()):
                if address in self.others:
                    await self.listen_for(address, [port for port, server in servers.items() if server is None])

    def forget(self, address):
        for server in self.others.pop(address, {}).values():
            if server:
                server.close()

    async def answer(self, number, port, address="127.0.0.1"):
        writers = []
        try:
            if isinstance(port, str):
                near = await asyncio.open_unix_connection(port, limit=CHUNK)
            else:
                near = await asyncio.open_connection(address, port, limit=CHUNK)
                steady(near[1].get_extra_info("socket"))
            writers.append(near[1])
            await join(near, await asyncio.wait_for(self.call(writers, b" answer " + number), PATIENCE))
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            pass
        finally:
            for each in writers:
                each.close()

    async def call(self, writers, wanted=b""):
        sock = socket.socket()
        sock.setblocking(False)
        steady(sock)
        try:
            await self.loop.sock_connect(sock, self.pool)
            await self.loop.sock_sendall(sock, preamble(b"wire"))
            reader, writer = await asyncio.open_connection(sock=sock, ssl=self.context, server_hostname="", limit=CHUNK)
        except BaseException:
            sock.close()
            raise
        writers.append(writer)
        writer.write(self.name + wanted + b"\n")
        answer = await reader.readuntil(b"\n")
        if answer != b"ok\n":
            raise OSError("nobody listens there now")
        return reader, writer


def ours(sock):
    """Whether this user made a connection (proc_pid_net(5)): every user of a node can call a port of loopback."""
    ends = sock.getpeername()[:2], sock.getsockname()[:2]
    # a program may call an IPv4 address by a socket of IPv6, as ZeroMQ does
    for table, form, prefix in (("/proc/net/tcp", "=I", b""), ("/proc/net/tcp6", "=4I", b"\0" * 10 + b"\xff\xff")):
        # other connections may have the same port
        wanted = ["%s:%04X" % ("".join("%08X" % word for word in struct.unpack(form, prefix + socket.inet_aton(host))), port) for host, port in ends]
        try:
            with open(table) as lines:
                for words in map(str.split, lines):
                    # a socket that its program has closed has no inode, and no owner either
                    if words[1:3] == wanted and words[9] != "0":
                        return int(words[7]) == os.getuid()
        except OSError:
            continue
    return False


def machine():
    """A name of this machine, or of its part that has a loopback network of its own."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return hashlib.sha256((file.read() + os.readlink("/proc/self/ns/net")).encode()).hexdigest()[:12]


def steady(sock):
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 4)):
        sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


async def join(near, far):
    pumps = [asyncio.ensure_future(pump(near[0], far[1])), asyncio.ensure_future(pump(far[0], near[1]))]
    await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    for task in pumps:
        task.cancel()


async def pump(reader, writer):
    try:
        while True:
            data = await reader.read(CHUNK)
            if not data:
                return
            writer.write(data)
            await writer.drain()
    except OSError:
        return


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


async def run(service, command):
    service, _, who = service.partition(":")
    who, _, path = who.partition("@")
    service, _, address = service.partition("@")
    wire = Wire(service, os.path.dirname(os.path.abspath(__file__)))
    ports = {}
    for name, serve in (("{port}", wire.serve), ("{calls}", wire.serve_call)) if who else (("{port}", wire.serve),):
        server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=CHUNK)
        ports[name] = server.sockets[0].getsockname()[1]
    if who:
        ports["{listen}"] = path or free_port()
        wire.begin(wire.listen(who, ports["{listen}"]))

    if address:
        # each of the others has some ports
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        for work in (wire.join(address), wire.take_over()):
            wire.begin(work)
        try:
            await asyncio.wait_for(wire.joined.wait(), 8 * PATIENCE)
        except asyncio.TimeoutError:
            return 1

    def filled(word):
        for name, port in ports.items():
            word = word.replace(name, str(port))
        return word

    child = await asyncio.create_subprocess_exec(*map(filled, command))
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        wire.loop.add_signal_handler(getattr(signal, name), stop, child)
    status = await child.wait()
    return status if status >= 0 else 128 - status


def stop(child):
    if child.returncode is None:
        child.terminate()


if __name__ == "__main__":
    os.umask(0o077)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    ended = loop.run_until_complete(run(sys.argv[1], sys.argv[2:]))
    # connections end with the process
    sys.stderr.flush()
    os._exit(ended)
