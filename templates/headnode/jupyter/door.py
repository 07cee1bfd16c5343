"""The door of a Jupyter that runs on a compute node: decides who gets to it, and leads them there by the wire.

    door.py SETTINGS

SETTINGS is a file of JSON: `port`, on which this listens on loopback; `token`, the SHA-256 of the token by which people are known, in
hexadecimal; `name`, of Jupyter's own origin; `inner`, Jupyter's own token; `calls`, the socket by which the wire calls workers
(templates/wire/head.py); `service` and `worker`, whom to call there.

What a notebook shows, and what the node answers, may be anything, script too. So a browser sees it at an origin of its own,
http://NAME.localhost:PORT, where it can read no page and no cookie of other services of this machine. Cookies do not know ports, so nobody
else knows NAME. At http://127.0.0.1:PORT there is only a page that asks for the token. It leads to the other origin with a ticket that is
good once, and a cookie replaces the ticket. Programs may use the first address, with the token in each request: what they get can't
run in a browser. Neither the token nor the cookie ever gets to the node: Jupyter has a token of its own.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import re
import signal
import socket
import struct
import sys
import time
from urllib.parse import parse_qsl, unquote_plus

# bytes: of the first lines of a request or an answer, of the form, and what is read at once
HEAD, FORM, CHUNK = 64 * 1024, 4096, 256 * 1024
# seconds: until somebody has said what he wants, and until a ticket is worth nothing
PATIENCE, TICKET = 30, 60
# connections at a time, and tickets
MOST, TICKETS = 1000, 100
COOKIE = "scailfin-jupyter"
PROOF = "/api/scailfin/proof"
HOST = re.compile(r"(?:127\.0\.0\.1|localhost)(:\d{1,5})?", re.I)
WORD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
REQUEST = re.compile(r"([A-Z]{1,16}) (/[!-~]*) HTTP/1\.1")
ANSWER = re.compile(r"HTTP/1\.[01] ([1-5]\d\d)(?: [^\r\n]*)?")
# they are about one connection, and not about what is passed on (RFC 9110, section 7.6.1)
HOP = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "upgrade", "expect"}
# they may have the token in them
PRIVATE = {"authorization", "cookie", "referer", "forwarded", "x-forwarded-for", "x-forwarded-host"}
# what a server says about all of its origin: where Jupyter is not alone, none of that is passed on
WHOLE = {"set-cookie", "clear-site-data", "service-worker-allowed", "content-security-policy", "refresh", "link", "alt-svc"}


class Bad(Exception):
    """Is answered with this status and these words."""

    def __init__(self, status, words):
        super().__init__(words)
        self.status, self.words = status, words


class Head:
    """The first lines of a request or an answer."""

    def __init__(self, first, fields):
        self.first, self.fields = first, fields

    def get(self, name):
        """The value of a field; the empty string if it is not there, or there twice."""
        found = [value for key, value in self.fields if key.lower() == name]
        return found[0] if len(found) == 1 else ""

    def has(self, name):
        return any(key.lower() == name for key, _ in self.fields)


class Request(Head):
    def __init__(self, first, fields):
        super().__init__(first, fields)
        asked = REQUEST.fullmatch(first)
        if not asked:
            raise Bad(400, "This is no request of HTTP/1.1.")
        self.method, self.target = asked.groups()
        self.path, _, self.query = self.target.partition("?")
        self.host = self.get("host").lower()
        self.is_socket = self.get("upgrade").lower() == "websocket"
        mode = self.get("sec-fetch-mode")
        # somebody opens it in a browser
        self.is_visit = self.method == "GET" and not self.is_socket and (mode == "navigate" if mode else "text/html" in self.get("accept"))

    def word(self, name):
        """A word of the query."""
        return dict(parse_qsl(self.query)).get(name, "")

    def cookie(self):
        for word in self.get("cookie").split(";"):
            name, _, value = word.strip().partition("=")
            if name == COOKIE:
                return value
        return ""


async def head(reader, kind):
    """@raises EOFError at the end"""
    try:
        data = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise Bad(400, "This is no request of HTTP/1.1.")
        raise EOFError
    except asyncio.LimitOverrunError:
        raise Bad(431, "The first lines are too long.")
    first, *lines = data[:-4].decode("latin-1").split("\r\n")
    fields = []
    for line in lines:
        name, colon, value = line.partition(":")
        if len(data) > HEAD or not colon or not WORD.fullmatch(name) or re.search(r"[\r\n\0]", value):
            raise Bad(400, "A line before the content is not as HTTP/1.1 has it.")
        fields.append((name, value.strip(" \t")))
    return kind(first, fields)


def length(message):
    """Bytes of the content: a number, `chunked`, or None if nothing says it."""
    if message.has("transfer-encoding"):
        if message.get("transfer-encoding").lower() != "chunked" or message.has("content-length"):
            raise Bad(400, "It is not clear how long the content is.")
        return "chunked"
    if not message.has("content-length"):
        return None
    if not re.fullmatch(r"\d{1,15}", message.get("content-length")):
        raise Bad(400, "It is not clear how long the content is.")
    return int(message.get("content-length"))


async def copy(reader, writer, size):
    """Passes so many bytes on. @param size a number, `chunked`, or None: until the end"""
    while size != 0 and size != "chunked":
        data = await reader.read(CHUNK if size is None else min(size, CHUNK))
        if not data:
            if size is None:
                return
            raise EOFError
        if size is not None:
            size -= len(data)
        writer.write(data)
        await writer.drain()
    while size == "chunked":
        line = await reader.readuntil(b"\r\n")
        count = re.match(rb"([0-9A-Fa-f]{1,12})[ \t]*[;\r]", line)
        if not count:
            raise Bad(400, "It is not clear how long the content is.")
        left = int(count.group(1), 16)
        if left == 0:
            # fields may come after the content: they are left out
            while await reader.readuntil(b"\r\n") != b"\r\n":
                pass
            writer.write(b"0\r\n\r\n")
            return await writer.drain()
        writer.write(b"%x\r\n" % left)
        await copy(reader, writer, left)
        if await reader.readexactly(2) != b"\r\n":
            raise Bad(400, "It is not clear how long the content is.")
        writer.write(b"\r\n")


def lines(first, fields):
    return "".join("%s\r\n" % line for line in [first] + ["%s: %s" % field for field in fields] + [""]).encode("latin-1")


def page(title, body, more=""):
    return '<!doctype html><html lang="en"><meta charset="utf-8"><title>%s</title>%s<h1>%s</h1>%s</html>\n' % (title, more, title, body)


STYLE = "<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}input,button{font:inherit}input{width:100%;box-sizing:border-box}</style>"
FORM_PAGE = page(
    "JupyterLab on a node of the cluster",
    'WORDS<form method="post" action="/"><p><label>Token: <input name="token" type="password" autofocus autocomplete="current-password"></label></p>'
    "<p><button>Open JupyterLab</button></p></form>"
    "<p>The token is in a file on your machine: <code>scailfin connect</code> and <code>scailfin up</code> name it.</p>",
    STYLE,
)
WAITING = page(
    "JupyterLab does not run at this moment",
    "<p>It waits for a node, or is starting on one. This page looks again by itself. <code>scailfin status</code> says more.</p>"
    "<p>If its node is gone, it starts on another one: saved notebooks are there, what kernels had in memory is lost.</p>",
    STYLE,
)


class Door:
    def __init__(self, settings):
        self.settings = settings
        self.secret = settings["token"].encode()
        self.cookie = self.sign("cookie")
        self.tickets = {}
        self.open = 0
        self.tasks = set()

    def sign(self, text):
        # as src/reana/proof.ts does it
        made = hmac.new(self.secret, text.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(made).decode().rstrip("=")

    def is_token(self, text):
        return hmac.compare_digest(hashlib.sha256(text.encode("utf-8", "replace")).hexdigest().encode(), self.secret)

    def shown(self, request):
        """Whether the request itself has the token, as Jupyter's clients send it."""
        said = re.fullmatch(r"(?:Bearer|token) (\S+)", request.get("authorization"), re.I)
        return any(self.is_token(word) for word in [request.word("token"), said.group(1) if said else ""] if word)

    def ticket(self):
        now = time.monotonic()
        self.tickets = {name: ends for name, ends in list(self.tickets.items())[-TICKETS + 1 :] if ends > now}
        name = os.urandom(24).hex()
        self.tickets[name] = now + TICKET
        return name

    async def serve(self, reader, writer):
        """One connection of a browser or a program: request after request."""
        if self.open >= MOST or not ours(writer.get_extra_info("socket")):
            return writer.close()
        self.open += 1
        self.tasks.add(asyncio.ensure_future(self.connection(reader, writer)))

    async def connection(self, reader, writer):
        far = []
        try:
            while await self.one(reader, writer, far):
                pass
        except Bad as error:
            self.tell(writer, error.status, error.words + "\n", [("Connection", "close")])
        except (EOFError, OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            self.open -= 1
            for each in far[1:] + [writer]:
                each.close()
            self.tasks = {task for task in self.tasks if not task.done()}

    async def one(self, reader, writer, far):
        """Answers one request. @returns whether there may be another one"""
        # a connection may rest for as long as it likes once it has shown that it may be here
        request = await (head(reader, Request) if far else asyncio.wait_for(head(reader, Request), PATIENCE))
        size = length(request) or 0
        if not request.host:
            raise Bad(400, "A request says which host it is for.")
        is_own = bool(re.fullmatch(re.escape(self.settings["name"]) + r"\.localhost(:\d{1,5})?", request.host))
        if is_own:
            answer = self.at_own_origin(request)
        elif HOST.fullmatch(request.host):
            answer = await self.at_address(request, reader, size)
            if request.method == "POST" and request.path == "/":
                size = 0
        else:
            raise Bad(421, "Use 127.0.0.1, to which `scailfin env` or `scailfin connect` forwards a port.")
        if answer is not None:
            if size:
                raise Bad(*answer[:2]) if answer[0] >= 400 else EOFError
            self.tell(writer, *answer)
            await writer.drain()
            return True
        return await self.forward(request, reader, writer, far, size, is_own)

    def tell(self, writer, status, text, fields=(), policy="default-src 'none'; sandbox"):
        words = {200: "OK", 303: "See Other", 503: "Service Unavailable"}.get(status, "Refused")
        data = text.encode()
        kind = "text/html" if text.startswith("<") else "text/plain"
        own = [("Content-Type", kind + "; charset=utf-8"), ("Content-Length", str(len(data))), ("Cache-Control", "no-store")]
        own += [("Content-Security-Policy", policy), ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "same-origin")]
        writer.write(lines("HTTP/1.1 %d %s" % (status, words), own + list(fields)) + data)

    def lead(self, request, to=""):
        """To Jupyter's own origin, with a ticket."""
        port = request.host.partition(":")[2]
        return 303, "", [("Location", "http://%s.localhost%s/?ticket=%s%s" % (self.settings["name"], ":" + port if port else "", self.ticket(), to))]

    async def at_address(self, request, reader, size):
        """@returns what is answered; None: it goes on to Jupyter"""
        if request.path == PROOF and request.method == "GET":
            # only who knows the token can say this, and nobody else's port can let us say it
            nonce = request.word("nonce")[:100]
            return 200, json.dumps({"proof": self.sign("scailfin proof %d %s" % (self.settings["port"], nonce))})
        if request.method == "POST" and request.path == "/":
            if size == "chunked" or size > FORM or request.get("origin") not in ("", "http://" + request.host):
                raise Bad(403, "Only the page itself may send this.")
            form = dict(parse_qsl((await asyncio.wait_for(reader.readexactly(size), PATIENCE)).decode("latin-1")))
            if self.is_token(form.get("token", "").strip()):
                return self.lead(request)
            return self.ask("<p><b>This is not the token.</b></p>", 403)
        if self.shown(request):
            return self.lead(request) if request.is_visit else None
        if request.is_visit:
            return self.ask("", 200 if request.path == "/" else 403)
        raise Bad(403, "The token is missing, or is another one: JUPYTER_TOKEN of `scailfin env` is it.")

    def ask(self, words, status):
        policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' http://%s.localhost:*; frame-ancestors 'none'"
        return status, FORM_PAGE.replace("WORDS", words), (), policy % self.settings["name"]

    def at_own_origin(self, request):
        """@returns what is answered; None: it goes on to Jupyter"""
        port = request.host.partition(":")[2]
        ticket = request.word("ticket")
        if request.is_visit and request.path == "/" and ticket:
            if self.tickets.pop(ticket, 0) > time.monotonic():
                cookie = "%s=%s; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000" % (COOKIE, self.cookie)
                return 303, "", [("Location", "/lab"), ("Set-Cookie", cookie)]
        if not hmac.compare_digest(request.cookie().encode("latin-1"), self.cookie.encode()):
            if request.is_visit:
                return 303, "", [("Location", "http://127.0.0.1%s/" % (":" + port if port else ""))]
            raise Bad(403, "Open http://127.0.0.1%s/ in the browser again." % (":" + port if port else ""))
        # another page may lead here, but may not act here
        if (request.is_socket or request.method not in ("GET", "HEAD")) and request.get("origin") != "http://" + request.host:
            raise Bad(403, "Only Jupyter's own pages may ask for this.")
        return None

    # ---- on to Jupyter

    async def call(self):
        """A connection to Jupyter. @raises OSError if nobody is there"""
        reader, writer = await asyncio.open_unix_connection(self.settings["calls"], limit=HEAD)
        try:
            writer.write(("%s %s\n" % (self.settings["service"], self.settings["worker"])).encode())
            if await asyncio.wait_for(reader.readuntil(b"\n"), PATIENCE) != b"ok\n":
                raise OSError("nobody is there")
        except BaseException as error:
            writer.close()
            if isinstance(error, (EOFError, asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)):
                raise OSError("nobody is there")
            raise
        return [reader, writer]

    async def forward(self, request, reader, writer, far, size, is_own):
        if far and far[0].at_eof():
            far[1].close()
            del far[:]
        try:
            if not far:
                far += await self.call()
        except OSError:
            if size:
                raise Bad(503, "Jupyter does not run at this moment; `scailfin status` says more.")
            if request.is_visit:
                self.tell(writer, 503, WAITING, [("Refresh", "3")], "default-src 'none'; style-src 'unsafe-inline'; sandbox")
            else:
                self.tell(writer, 503, "Jupyter does not run at this moment; `scailfin status` says more.\n")
            await writer.drain()
            return True
        far[1].write(lines("%s %s HTTP/1.1" % (request.method, without_secrets(request.target)), self.onward(request, is_own)))
        # Jupyter may refuse a request before it has read all of it
        sent = asyncio.ensure_future(copy(reader, far[1], size))
        sent.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            return await self.answered(request, reader, writer, far, sent, is_own)
        finally:
            sent.cancel()

    def onward(self, request, is_own):
        fields = [(name, value) for name, value in request.fields if name.lower() not in HOP and name.lower() not in PRIVATE]
        kept = [word.strip() for word in request.get("cookie").split(";") if word.strip() and not word.strip().startswith(COOKIE + "=")]
        if kept and is_own:
            fields.append(("Cookie", "; ".join(kept)))
        fields.append(("Authorization", "token " + self.settings["inner"]))
        return fields + ([("Connection", "Upgrade"), ("Upgrade", "websocket")] if request.is_socket else [])

    async def answered(self, request, reader, writer, far, sent, is_own):
        answer, status = None, "100"
        while status.startswith("1") and status != "101":
            try:
                answer = await head(far[0], Head)
                size = length(answer)
                status = ANSWER.fullmatch(answer.first).group(1)
            except (Bad, AttributeError):
                raise Bad(502, "Jupyter's answer is not HTTP.")
        status = int(status)
        if status == 101:
            if not request.is_socket:
                raise Bad(502, "Jupyter's answer is not for this request.")
            fields = [(name, value) for name, value in answer.fields if name.lower().startswith("sec-websocket-")]
            writer.write(lines("HTTP/1.1 101 Switching Protocols", fields + [("Connection", "Upgrade"), ("Upgrade", "websocket")]))
            await join((reader, writer), far)
            return False
        if request.method == "HEAD" or status in (204, 304):
            size = 0
        fields = self.back(answer, is_own)
        # without a length, the content ends with the connection
        is_last = size is None or not sent.done() or answer.get("connection").lower() == "close" or answer.first.startswith("HTTP/1.0")
        if is_last:
            fields.append(("Connection", "close"))
        writer.write(lines("HTTP/1.1 %d %s" % (status, "OK" if status < 400 else "Refused"), fields))
        try:
            await copy(far[0], writer, size)
        except Bad:
            # the first lines are sent already
            raise EOFError
        await writer.drain()
        return not is_last

    def back(self, answer, is_own):
        fields = []
        for name, value in answer.fields:
            if name.lower() in HOP or name.lower() == "alt-svc" or (not is_own and name.lower() in WHOLE):
                continue
            if name.lower() == "set-cookie":
                # for this origin alone, and never in the place of ours
                if value.strip().partition("=")[0].strip() == COOKIE:
                    continue
                value = "; ".join(part.strip() for part in value.split(";") if not re.match(r"\s*domain\s*(=|$)", part, re.I))
            fields.append((name, value))
        if not is_own:
            fields += [("Content-Security-Policy", "sandbox; default-src 'none'"), ("X-Content-Type-Options", "nosniff")]
            fields.append(("Cross-Origin-Resource-Policy", "same-origin"))
        return fields


def ours(sock):
    """Whether this user made a connection (proc_pid_net(5)): every user of this machine can call a port of loopback."""
    host, port = sock.getpeername()[:2]
    wanted = "%08X:%04X" % (struct.unpack("=I", socket.inet_aton(host))[0], port)
    with open("/proc/net/tcp") as table:
        for words in map(str.split, table):
            # a socket that its program has closed has no inode, and no owner either
            if words[1] == wanted and words[9] != "0":
                return int(words[7]) == os.getuid()
    return False


def without_secrets(target):
    """A path with its query, without the secrets in it."""
    path, mark, query = target.partition("?")
    kept = [word for word in query.split("&") if unquote_plus(word.partition("=")[0]) not in ("token", "ticket")]
    return path + "?" + "&".join(kept) if mark and kept else path


async def join(near, far):
    """Carries bytes both ways until one side ends."""
    pumps = [asyncio.ensure_future(copy(near[0], far[1], None)), asyncio.ensure_future(copy(far[0], near[1], None))]
    await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    for task in pumps:
        task.cancel()


def main(path):
    os.umask(0o077)
    with open(path) as file:
        door = Door(json.load(file))
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(asyncio.start_server(door.serve, "127.0.0.1", door.settings["port"], limit=HEAD))
    for name in ("SIGTERM", "SIGINT", "SIGQUIT"):
        loop.add_signal_handler(getattr(signal, name), loop.stop)
    # the pool's master says so when its configuration has changed
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    print("the door is there", flush=True)
    loop.run_forever()
    # connections end with the process
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
