"""The headnode's end of the wire: brings connections of the pool's workers to services that listen on loopback only.

    head.py DIR

A compute node can call one port of the headnode: the pool's. HTCondor's shared port, which listens there, passes a
connection on to the process whose name the caller gives: it connects to the Unix socket of that name, sends the number of
the command SHARED_PORT_PASS_SOCK, and then the connection itself (SharedPortState in shared_port_client.cpp; seen in 23.9).
Everybody on the network can have a connection passed on to here. So the first that is said on it is TLS, with the
certificate that the workers were given, and the second a line of the worker: the name of a service, its key, and what it wants.
The name and the key are in DIR/services/NAME, with the port.

    NAME KEY                to reach the service
    NAME KEY listen WHO     to be called, as WHO: for each caller, it is told `call ID`
    NAME KEY answer ID      to be connected with that caller
    NAME KEY call WHO       to reach another worker, through here
    NAME KEY join ADDRESS-MACHINE
                            to have an address of its own, as if there were a network

A service may be a network (`mesh` in its file): its workers, and this user's programs on the headnode, have addresses of the
loopback network 127.0.0.0/8, of which each machine has its own. On each machine, the others' addresses and ports lead through here to them.
Who joined is told the others, line by line: `at ADDRESS MACHINE PORTS`, `gone ADDRESS`, and `all` at the end of those who were
there before. It is called with `call ID PORT`, and calls `ADDRESS-PORT`.

Programs of this user on the headnode reach workers by the socket DIR/local/calls, where they say `NAME WHO`.
"""

import array
import asyncio
import hashlib
import hmac
import json
import os
import re
import resource
import signal
import socket
import ssl
import struct
import sys

NAME = "wire"
# what shared_port says before it passes a connection on: one packet with one number (CEDAR's framing), and one byte beside
# the connection
PASS_SOCK = b"\x01\x00\x00\x00\x08" + struct.pack(">q", 76)
# seconds until a caller must have proved itself, and how many such callers there may be at a time: anybody can be one
PATIENCE, STRANGERS = 15, 512
# bytes that are read at once, and that may wait to be sent
CHUNK = 256 * 1024
# a stranger must not fill the disk with lines of a log
LINES = 200
REQUEST = re.compile(rb"([a-z][a-z0-9-]{0,31}) ([A-Za-z0-9_-]{20,100})(?: (listen|answer|call|join) ([A-Za-z0-9.-]{1,64}))?\n")
LOCAL = re.compile(rb"([a-z][a-z0-9-]{0,31}) ([A-Za-z0-9.-]{1,64})\n")


# addresses that workers may have: not those at which other programs listen
ADDRESS = re.compile(r"127\.(1[6-9]|[2-9]\d|1\d\d|2[0-4]\d|25[0-5])(\.(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-4])){2}")
MEMBERS = 2000


class Refused(Exception):
    pass


class Wire:
    def __init__(self, home):
        self.home = home
        self.loop = asyncio.get_event_loop()
        self.strangers = 0
        self.lines = 0
        self.tasks = set()
        # by service and name: how workers that can be called are told; by number: callers that wait for them
        self.workers = {}
        self.callers = {}
        # by service and address
        self.members = {}
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(os.path.join(home, "cert.pem"), os.path.join(home, "key.pem"))
        modern(self.context)

    def begin(self, work):
        """Runs a coroutine. The loop itself keeps no task from being collected (asyncio's documentation, create_task)."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def say(self, text):
        self.lines += 1
        if self.lines <= LINES:
            print(text, flush=True)

    def listen(self):
        # shared_port looks here (DAEMON_SOCKET_DIR); nobody else can enter the pool's directory
        place = os.path.join(os.path.dirname(self.home), "lock", "daemon_sock")
        os.makedirs(place, exist_ok=True)
        path = os.path.join(place, NAME)
        if len(path.encode()) > 93:
            sys.exit("the name of the cluster's directory is too long: a socket below it, %s, may have 93 bytes" % path)
        if os.path.lexists(path):
            os.unlink(path)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(path)
        server.listen(512)
        server.setblocking(False)
        self.loop.add_reader(server, self.accept, server)
        # a directory, because a program behind a fence sees a new socket in it, too
        os.makedirs(os.path.join(self.home, "local"), exist_ok=True)
        calls = os.path.join(self.home, "local", "calls")
        if os.path.lexists(calls):
            os.unlink(calls)
        self.loop.run_until_complete(asyncio.start_unix_server(self.local, calls, limit=CHUNK))

    def accept(self, server):
        try:
            link, _ = server.accept()
        except OSError:
            return
        _, uid, _ = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid != os.getuid() or self.strangers >= STRANGERS:
            return link.close()
        self.strangers += 1
        link.setblocking(False)
        late = self.loop.call_later(PATIENCE, self.drop, link)
        self.loop.add_reader(link, self.take, link, bytearray(), late)

    def drop(self, link):
        self.loop.remove_reader(link)
        link.close()
        self.strangers -= 1

    def take(self, link, said, late):
        """Reads what shared_port says, until the connection comes."""
        try:
            data, passed, _, _ = link.recvmsg(64, socket.CMSG_SPACE(4))
        except BlockingIOError:
            return
        except OSError:
            data, passed = b"", []
        files = [number for level, kind, value in passed if kind == socket.SCM_RIGHTS for number in array.array("i", value)]
        said += data
        if data and not files and len(said) < 64:
            return
        late.cancel()
        self.loop.remove_reader(link)
        link.close()
        if len(files) == 1 and bytes(said).startswith(PASS_SOCK):
            self.begin(self.serve(socket.socket(fileno=files[0])))
            return
        for number in files:
            os.close(number)
        self.strangers -= 1

    async def serve(self, caller):
        known = []
        try:
            who = "%s port %s" % caller.getpeername()[:2]
        except (OSError, TypeError):
            who = "somebody who is gone"
        writers = []
        try:
            steady(caller)
            await (await asyncio.wait_for(self.greet(caller, writers, known), PATIENCE))
        except Refused as error:
            self.say("%s was refused: %s" % (who, error))
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            if not known:
                self.say("%s did not prove itself: %s" % (who, type(error).__name__))
        finally:
            if not known:
                self.strangers -= 1
            for writer in writers:
                writer.close()
            if not writers:
                caller.close()

    async def greet(self, caller, writers, known):
        """Returns what is to be done for the caller, once it has proved itself."""
        caller.setblocking(False)
        reader = asyncio.StreamReader(limit=CHUNK)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await self.loop.connect_accepted_socket(lambda: protocol, caller, ssl=self.context)
        writer = asyncio.StreamWriter(transport, protocol, reader, self.loop)
        writers.append(writer)
        asked = REQUEST.fullmatch(await reader.readuntil(b"\n"))
        service = self.service(asked.group(1).decode()) if asked else None
        # the same work is done for an unknown name
        if not hmac.compare_digest(asked.group(2) if asked else b"", service["key"].encode() if service else b"-"):
            raise Refused("it does not know the key of a service")
        known.append(service)
        self.strangers -= 1
        name, verb, who = (asked.group(n).decode() if asked.group(n) else "" for n in (1, 3, 4))
        if verb == "listen":
            return self.attend(name + " " + who, reader, writer)
        if verb == "answer":
            return self.answer(name, who, (reader, writer))
        if verb == "join":
            return self.attend_member(name, service.get("mesh"), who, reader, writer)
        address, port = None, service["port"]
        mesh = service.get("mesh")
        if verb == "call" and mesh and who.startswith(mesh["address"] + "-"):
            address, port = mesh["address"], int(who.rpartition("-")[2])
            if port not in mesh["ports"]:
                raise Refused("it calls a port of the headnode that is no part of the service")
        elif verb == "call":
            far = await self.call(name + " " + who, writer)
            return join((reader, writer), far)
        try:
            if not ours(port, address):
                raise OSError
            far = await asyncio.open_connection(address or "127.0.0.1", port, limit=CHUNK)
        except OSError:
            # nobody listens there now: the caller tries again later
            writer.write(b"nobody\n")
            await writer.drain()
            raise
        writers.append(far[1])
        steady(far[1].get_extra_info("socket"))
        writer.write(b"ok\n")
        return join((reader, writer), far)

    async def attend(self, who, reader, writer):
        """A worker that can be called, as long as its connection lives. The newest one of a name counts."""
        self.workers[who] = writer
        writer.write(b"ok\n")
        try:
            while await reader.read(CHUNK):
                pass
        finally:
            if self.workers.get(who) is writer:
                del self.workers[who]

    async def attend_member(self, name, mesh, who, reader, writer):
        """A worker with an address of its own, as long as its connection lives. The newest one of an address counts."""
        address, _, machine = who.partition("-")
        members = self.members.setdefault(name, {})
        old = members.get(address)
        if not mesh or not ADDRESS.fullmatch(address) or address == mesh["address"] or (old is None and len(members) >= MEMBERS):
            self.say("a worker asked for the address %s, which it can't have" % address)
            return
        if old:
            old.close()
        member = members[address] = Member(address, machine or "-", mesh["each"], writer)
        writer.write(b"ok\nat %s %s %s\n" % (mesh["address"].encode(), here().encode(), numbers(mesh["ports"])))
        try:
            # a worker on this machine is reached without any help
            for port in mesh["each"] if machine != here() else ():
                try:
                    leading = self.leading(name, address, port)
                    member.servers.append(await asyncio.start_server(leading, address, port, limit=CHUNK))
                except OSError as error:
                    self.say("nobody on the headnode reaches %s port %d: %s" % (address, port, error.strerror))
            for other in list(members.values()):
                if other is not member:
                    writer.write(other.where())
                    other.writer.write(member.where())
            writer.write(b"all\n")
            while await reader.read(CHUNK):
                pass
        finally:
            member.close()
            if members.get(address) is member:
                del members[address]
                for other in members.values():
                    other.writer.write(b"gone %s\n" % address.encode())

    def leading(self, name, address, port):
        """Serves programs of this user on the headnode which call a worker at its address."""

        async def serve(reader, writer):
            try:
                if not made_by_us(writer.get_extra_info("socket")):
                    return self.say("a call of another user of the headnode for a worker was refused")
                steady(writer.get_extra_info("socket"))
                await join((reader, writer), await self.reach("%s %s-%d" % (name, address, port)))
            except OSError:
                pass
            finally:
                writer.close()

        return serve

    async def call(self, who, writer):
        """Returns the connection of a worker to which this caller was announced, and says whether there is one."""
        try:
            far = await self.reach(who)
        except OSError:
            writer.write(b"nobody\n")
            await writer.drain()
            raise
        writer.write(b"ok\n")
        return far

    async def reach(self, who):
        name, _, called = who.partition(" ")
        number = os.urandom(16).hex()
        waiting = self.callers[number] = self.loop.create_future()
        waiting.service = name
        address, _, port = called.rpartition("-")
        member = self.members.get(name, {}).get(address)
        try:
            if member is None:
                self.workers[who].write(b"call %s\n" % number.encode())
            elif port in map(str, member.ports):
                member.writer.write(b"call %s %s\n" % (number.encode(), port.encode()))
            else:
                raise KeyError(port)
            return await asyncio.wait_for(waiting, PATIENCE - 1)
        except (KeyError, asyncio.TimeoutError):
            raise OSError("nobody")
        finally:
            del self.callers[number]

    async def answer(self, name, number, near):
        """Gives the connection to the caller, and lives as long as it does."""
        waiting = self.callers.get(number)
        if waiting is None or waiting.service != name or waiting.done():
            return
        near[1].write(b"ok\n")
        ended = self.loop.create_future()
        near[1].ended = ended
        waiting.set_result(near)
        await ended

    async def local(self, reader, writer):
        """A program of this user on the headnode, which calls a worker."""
        try:
            asked = LOCAL.fullmatch(await asyncio.wait_for(reader.readuntil(b"\n"), PATIENCE))
            if asked:
                await join((reader, writer), await self.call("%s %s" % (asked.group(1).decode(), asked.group(2).decode()), writer))
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            writer.close()

    def service(self, name):
        try:
            with open(os.path.join(self.home, "services", name)) as file:
                return json.load(file)
        except (OSError, ValueError):
            return None


class Member:
    """A worker with an address of its own."""

    def __init__(self, address, machine, ports, writer):
        self.address, self.machine, self.ports, self.writer = address, machine, ports, writer
        self.servers = []

    def where(self):
        return b"at %s %s %s\n" % (self.address.encode(), self.machine.encode(), numbers(self.ports))

    def close(self):
        for server in self.servers:
            server.close()
        self.servers = []


def numbers(ports):
    return ",".join(map(str, ports)).encode()


def ours(port, address=None):
    """Whether only this user listens on a port of loopback (proc_pid_net(5)): another one would be told what is not his. With an
    address, another user may have the port at other addresses."""
    wanted = (hexed(address) if address else "") + ":%04X" % port
    uids = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table) as lines:
                for words in map(str.split, lines):
                    if words[3] == "0A" and (words[1] == wanted if address else words[1].endswith(wanted)):
                        uids.add(int(words[7]))
        except OSError:
            continue
    return uids == {os.getuid()}


def here():
    """A name of this machine, or of its part that has a loopback network of its own, as node.py makes it, too."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return hashlib.sha256((file.read() + os.readlink("/proc/self/ns/net")).encode()).hexdigest()[:12]


def hexed(address):
    """An address of IPv4 as the kernel lists it."""
    return "%08X" % struct.unpack("=I", socket.inet_aton(address))


def made_by_us(sock):
    """Whether this user made a connection (proc_pid_net(5)): every user of this machine can call a port of loopback."""
    host, port = sock.getpeername()[:2]
    wanted = "%s:%04X" % (hexed(host), port)
    with open("/proc/net/tcp") as lines:
        for words in map(str.split, lines):
            # a socket that its program has closed has no inode, and no owner either
            if words[1] == wanted and words[9] != "0":
                return int(words[7]) == os.getuid()
    return False


def modern(context):
    if hasattr(ssl, "TLSVersion"):
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    else:
        context.options |= ssl.OP_NO_TLSv1 | ssl.OP_NO_TLSv1_1


def steady(sock):
    """Small messages go at once, and an end that vanished is noticed."""
    if sock.family == socket.AF_UNIX:
        return
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 4)):
        sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


async def join(near, far):
    """Carries bytes both ways until one side ends. What was read before that arrives."""
    pumps = [asyncio.ensure_future(pump(near[0], far[1])), asyncio.ensure_future(pump(far[0], near[1]))]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in pumps:
            task.cancel()
        for _, writer in (near, far):
            writer.close()
            # whoever answered waits for the end
            if getattr(writer, "ended", None) and not writer.ended.done():
                writer.ended.set_result(None)


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


def main(home):
    os.umask(0o077)
    # a network has some ports for each worker
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    wire = Wire(home)
    wire.listen()
    with open(os.path.join(home, "wire.pid"), "w") as file:
        file.write("%d\n" % os.getpid())
    for name in ("SIGTERM", "SIGINT", "SIGQUIT"):
        loop.add_signal_handler(getattr(signal, name), loop.stop)
    # the pool's master says so when its configuration has changed
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    print("the wire is there", flush=True)
    loop.run_forever()
    # connections end with the process
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
