"""Runs beside Jupyter in a session's container, and connects it with the edge.

A compute node accepts no connections, so the edge's connections to Jupyter come through this program's own input and
output: frames, as src/reana/edge/sessions/frames.ts has them. The first word is this program's: hello. Then the edge says
how Jupyter is started. Jupyter listens on a Unix socket in a directory that only this user can enter.
"""

import asyncio
import base64
import json
import os
import shutil
import signal
import stat
import struct
import sys
import tarfile
import tempfile
import time

CONTROL, OPEN, DATA, END, ABORT, CREDIT, SAVE = range(7)
HEAD = struct.Struct(">IBI")
# of each direction of a connection: so much may be on its way that the other side has not taken yet; bytes
WINDOW = 512 * 1024
# of one batch, which is a file on its way; bytes
BATCH = 256 * 1024
# between two looks for changed files; seconds
SAVE_EVERY = 30
# a file that is larger, or what goes beyond this together, comes when the session ends; bytes
SAVE_MOST = 32 * 1024 * 1024
# between SIGTERM and SIGKILL for Jupyter; seconds
PATIENCE = 10

SERVERS = (("jupyter-lab", "jupyterlab"), ("jupyter-notebook", "notebook"), ("jupyter-server", "jupyter_server"))


def say(text):
    print(f"scailfin: {text}", file=sys.stderr, flush=True)


class Stream:
    """One connection of the edge to Jupyter."""

    def __init__(self, agent, number):
        self.agent, self.number = agent, number
        self.credit = WINDOW
        self.more = asyncio.Event()
        self.taken = asyncio.Queue()
        self.tasks = [asyncio.ensure_future(self.run())]

    async def run(self):
        try:
            reader, writer = await asyncio.open_unix_connection(self.agent.socket, limit=65536)
        except OSError:
            return self.end(ABORT)
        try:
            pump = asyncio.ensure_future(self.take(writer))
            self.tasks.append(pump)
            while True:
                while self.credit <= 0:
                    self.more.clear()
                    await self.more.wait()
                data = await reader.read(min(self.credit, 65536))
                if not data:
                    break
                self.credit -= len(data)
                await self.agent.send(self.number, DATA, data)
            await self.agent.send(self.number, END)
            await pump
            self.end(None)
        except OSError:
            self.end(ABORT)
        finally:
            writer.close()

    async def take(self, writer):
        """From the edge to Jupyter."""
        while True:
            data = await self.taken.get()
            if data is None:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()
            await self.agent.send(self.number, CREDIT, struct.pack(">I", len(data)))

    def end(self, word):
        self.agent.streams.pop(self.number, None)
        if word is not None:
            self.agent.put(self.number, word)
        for task in self.tasks:
            if task is not asyncio.current_task():
                task.cancel()


class Saver:
    """Finds what the session has changed in its files since it last looked."""

    def __init__(self, dir):
        self.root = os.fsencode(os.getcwd())
        self.archive = os.path.join(dir, "saved.tar")
        self.known = self.look()

    def look(self):
        found = {}
        for place, dirs, names in os.walk(self.root):
            for name in names + dirs:
                path = os.path.join(place, name)
                try:
                    facts = os.lstat(path)
                except OSError:
                    continue
                if stat.S_ISREG(facts.st_mode) or stat.S_ISLNK(facts.st_mode):
                    key = (facts.st_mode, facts.st_size, facts.st_mtime_ns, facts.st_ino)
                    found[os.path.relpath(path, self.root)] = key
        return found

    def save(self):
        """Makes the archive. Returns the names of files that are gone; None if nothing has changed."""
        now = self.look()
        gone = [path for path in self.known if path not in now]
        room, taken, young = SAVE_MOST, [], time.time_ns() - 10**9
        for path, key in now.items():
            # what is being written now is taken the next time
            if self.known.get(path) != key and key[1] <= room and key[2] < young:
                room -= key[1]
                taken.append(path)
        if not taken and not gone:
            return None
        with tarfile.open(self.archive, "w", format=tarfile.GNU_FORMAT) as tar:
            for path in taken:
                try:
                    # a second name of a file is a file
                    tar.inodes = {}
                    tar.add(os.path.join(os.fsdecode(self.root), os.fsdecode(path)), os.fsdecode(path), recursive=False)
                    self.known[path] = now[path]
                except OSError:
                    continue
        for path in gone:
            del self.known[path]
        return gone


class Agent:
    def __init__(self, idle):
        # the edge ends an idle session; if nobody has said anything for much longer, there is no edge any more
        self.patience = idle
        self.heard = time.monotonic()
        self.streams = {}
        self.frames = []
        self.size = 0
        self.wake = asyncio.Event()
        self.room = asyncio.Event()
        self.room.set()
        self.over = asyncio.Event()
        self.jupyter = None
        self.status = 0
        # the path of a socket has at most 107 bytes, and kernels have some with long names in this directory, too
        place = tempfile.gettempdir()
        self.dir = tempfile.mkdtemp(prefix="session-", dir=place if len(place) <= 38 else "/tmp")
        self.socket = os.path.join(self.dir, "s")

    # ---- frames

    def put(self, number, kind, data=b""):
        self.frames.append(HEAD.pack(number, kind, len(data)) + data)
        self.size += len(data) + HEAD.size
        if self.size > BATCH:
            self.room.clear()
        self.wake.set()

    async def send(self, number, kind, data=b""):
        await self.room.wait()
        self.put(number, kind, data)

    def tell(self, **words):
        self.put(0, CONTROL, json.dumps(words).encode())

    async def write(self, out):
        """Each batch is its length in a line, and then its bytes."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            frames, self.frames, self.size = self.frames, [], 0
            self.room.set()
            if frames:
                batch = b"".join(frames)
                out.write(b"%d\n" % len(batch) + batch)
                await out.drain()

    async def read(self, source):
        try:
            while True:
                number, kind, length = HEAD.unpack(await source.readexactly(HEAD.size))
                data = await source.readexactly(length)
                self.heard = time.monotonic()
                self.obey(number, kind, data)
        except asyncio.IncompleteReadError:
            # the way to the edge has ended, and with it the session
            self.over.set()

    def obey(self, number, kind, data):
        if kind == CONTROL:
            words = json.loads(data)
            if "start" in words and self.jupyter is None:
                self.jupyter = asyncio.ensure_future(self.start(words["start"]))
            if words.get("reset"):
                for stream in list(self.streams.values()):
                    stream.end(None)
                self.tell(hello=True, ready=os.path.exists(self.socket))
            if words.get("close"):
                self.over.set()
        elif kind == OPEN:
            self.streams[number] = Stream(self, number)
        elif number in self.streams:
            stream = self.streams[number]
            if kind == DATA:
                stream.taken.put_nowait(data)
            elif kind == END:
                stream.taken.put_nowait(None)
            elif kind == ABORT:
                stream.end(None)
            elif kind == CREDIT:
                stream.credit += struct.unpack(">I", data)[0]
                stream.more.set()

    # ---- Jupyter

    def settings(self, base, token):
        server = {
            "sock": self.socket,
            "sock_mode": "0600",
            "base_url": base,
            "open_browser": False,
            "allow_root": True,
            # the edge decides by which name it is reached
            "allow_remote_access": True,
            "quit_button": False,
        }
        here = os.getcwd()
        terminals = {"terminado_settings": {"shell_command": [shutil.which("bash") or "/bin/sh"]}}
        return {
            "ServerApp": {**server, **terminals, "root_dir": here},
            "NotebookApp": {**server, **terminals, "token": token, "notebook_dir": here},
            "IdentityProvider": {"token": token},
            # by TCP, other users of the node could read what a kernel says
            "ConnectionFileMixin": {"transport": "ipc"},
        }

    def server(self):
        for program, module in SERVERS:
            path = shutil.which(program)
            if path:
                return [path]
        import importlib.util

        for _, module in SERVERS:
            if importlib.util.find_spec(module):
                return [sys.executable, "-m", module]
        return None

    async def start(self, words):
        command = self.server()
        if command is None:
            return self.fail("there is no Jupyter in this image")
        config = os.path.join(self.dir, "config.json")
        with open(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(self.settings(words["base"], words["token"]), file)
        env = {**os.environ, "JUPYTER_RUNTIME_DIR": self.dir}
        command += [f"--config={config}", "--log-level=WARN"]
        process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL, stdout=2, env=env)
        watch = asyncio.ensure_future(self.greet())
        over = asyncio.ensure_future(self.over.wait())
        ended = asyncio.ensure_future(process.wait())
        await asyncio.wait([over, ended], return_when=asyncio.FIRST_COMPLETED)
        watch.cancel()
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(ended, PATIENCE)
            except asyncio.TimeoutError:
                process.kill()
                await process.wait()
        else:
            # its users may end it, too: File, Shut Down
            self.status = process.returncode
            say(f"Jupyter has ended with status {process.returncode}")
            self.over.set()

    async def keep(self, saver):
        """Sends changed files now and then, so that a lost node does not cost a day's work."""
        while True:
            began = time.monotonic()
            await asyncio.sleep(SAVE_EVERY)
            await self.save(saver)
            # among a million files, looking takes long
            await asyncio.sleep(5 * (time.monotonic() - began - SAVE_EVERY))

    async def save(self, saver):
        gone = await self.later(saver.save)
        if gone is None:
            return
        with open(saver.archive, "rb") as file:
            while True:
                data = file.read(65536)
                if not data:
                    break
                await self.send(0, SAVE, data)
        os.unlink(saver.archive)
        self.tell(saved=[base64.b64encode(path).decode() for path in gone])

    @staticmethod
    async def later(call, *words):
        return await asyncio.get_running_loop().run_in_executor(None, call, *words)

    async def greet(self):
        while True:
            try:
                _, writer = await asyncio.open_unix_connection(self.socket)
                writer.close()
                return self.tell(ready=True)
            except OSError:
                await asyncio.sleep(0.2)

    def fail(self, why):
        say(why)
        self.status = 1
        self.over.set()

    async def run(self):
        loop = asyncio.get_running_loop()
        source = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(source), os.fdopen(0, "rb", 0))
        # what Jupyter and its kernels print must not come between the frames
        wire = os.dup(1)
        os.dup2(2, 1)
        transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(wire, "wb", 0))
        out = asyncio.StreamWriter(transport, protocol, None, loop)
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(name, self.over.set)
        tasks = [asyncio.ensure_future(self.write(out)), asyncio.ensure_future(self.read(source))]
        saver = None
        if os.environ.get("SCAILFIN_SAVES"):
            saver = await self.later(Saver, self.dir)
            tasks.append(asyncio.ensure_future(self.keep(saver)))
        self.tell(hello=True, ready=False)
        while not self.over.is_set():
            try:
                await asyncio.wait_for(self.over.wait(), 30)
            except asyncio.TimeoutError:
                if time.monotonic() - self.heard > self.patience:
                    say("the edge has said nothing for too long: this session ends")
                    self.over.set()
        if self.jupyter:
            await self.jupyter
        if saver:
            # the wrapper packs what has changed, but knows nothing of files that came and went meanwhile
            await self.save(saver)
        until = time.monotonic() + PATIENCE
        while (self.frames or transport.get_write_buffer_size()) and time.monotonic() < until:
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        shutil.rmtree(self.dir, ignore_errors=True)
        return self.status


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(asyncio.run(Agent(float(sys.argv[1])).run()))
