"""Dask's scheduler on the headnode, and its workers on compute nodes, which accept no connections.

    scailfin_dask.py scheduler PORT
    scailfin_dask.py worker NAME SCHEDULER-PORT LISTEN-PORT CORES MEMORY

Dask's scheduler calls workers, and workers call each other. A worker's address is here `wire://NAME:1`: whoever calls it asks its
end of the wire for NAME (templates/wire says how), and speaks TLS with the worker through it. The directory of this file has
`cert.pem` and `key.pem`: the cluster's own certificate, which proves each side to the other. $SCAILFIN_CALLS says how workers are called:
`unix:PATH` on the headnode, `tcp:PORT` on a node.
"""

import asyncio
import os
import socket
import sys

import dask
from distributed import Scheduler, Worker
from distributed.comm import registry, tcp
from distributed.comm.core import CommClosedError
from tornado.iostream import IOStream, StreamClosedError, UnsatisfiableReadError

HERE = os.path.dirname(os.path.abspath(__file__))


class WireConnector(tcp.TLSConnector):
    prefix = "wire://"

    async def connect(self, address, deserialize=True, **args):
        who = address.partition(":")[0]
        kind, _, where = os.environ["SCAILFIN_CALLS"].partition(":")
        sock = socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET)
        stream = IOStream(sock, max_buffer_size=tcp.MAX_BUFFER_SIZE)
        try:
            await stream.connect(where if kind == "unix" else ("127.0.0.1", int(where)))
            await stream.write((("dask " if kind == "unix" else "") + who + "\n").encode())
            if await stream.read_until(b"\n", max_bytes=16) != b"ok\n":
                raise CommClosedError("%s can't be reached" % who)
            stream = await stream.start_tls(False, **self._get_connect_args(**args))
        except (StreamClosedError, UnsatisfiableReadError) as error:
            stream.close()
            tcp.convert_stream_closed_error(self, error)
        except BaseException:
            stream.close()
            raise
        return tcp.TLS(stream, "wire://here:1", self.prefix + address, deserialize)


class WireBackend(tcp.TLSBackend):
    """Addresses that are names: nothing is looked up."""

    _connector_class = WireConnector

    def get_address_host(self, loc):
        return loc.partition(":")[0]

    def resolve_address(self, loc):
        return loc

    def get_local_address_for(self, loc):
        return loc


def configure():
    registry.backends["wire"] = WireBackend()
    cert, key = (os.path.join(HERE, name) for name in ("cert.pem", "key.pem"))
    both = {"cert": cert, "key": key}
    dask.config.set(
        {
            "distributed.comm.tls.ca-file": cert,
            "distributed.comm.tls.scheduler": both,
            "distributed.comm.tls.worker": both,
            "distributed.comm.tls.client": both,
            "distributed.comm.require-encryption": True,
            "temporary-directory": os.environ["TMPDIR"],
            # pages that ask nobody for a password
            "distributed.scheduler.http.routes": [],
            "distributed.worker.http.routes": [],
        }
    )
    # these options are for TCP, and a Unix socket has none
    plain = tcp.set_tcp_timeout
    tcp.set_tcp_timeout = lambda stream: None if stream.socket.family == socket.AF_UNIX else plain(stream)


async def scheduler(port):
    async with Scheduler(
        host="127.0.0.1", port=int(port), protocol="tls://", dashboard=False, dashboard_address="127.0.0.1:0"
    ) as server:
        tells = asyncio.ensure_future(tell(server))
        await server.finished()
        tells.cancel()


async def tell(server):
    """Says in a file whether there is a client, or what one left to be computed or kept (templates/headnode/workers/watch.sh)."""
    path = os.path.join(os.environ["TMPDIR"], "need")
    while True:
        with open(path + ".new", "w") as file:
            file.write("yes" if server.client_comms or server.tasks else "no")
        os.replace(path + ".new", path)
        await asyncio.sleep(1)


async def worker(name, scheduler_port, port, cores, memory):
    async with Worker(
        "tls://127.0.0.1:" + scheduler_port,
        name=name,
        host="127.0.0.1",
        port=int(port),
        protocol="tls://",
        contact_address="wire://%s:1" % name,
        nthreads=int(cores),
        memory_limit=int(memory) * 2**20,
        dashboard=False,
        dashboard_address="127.0.0.1:0",
        death_timeout=120,
    ) as server:
        await server.finished()


if __name__ == "__main__":
    os.umask(0o077)
    configure()
    asyncio.run({"scheduler": scheduler, "worker": worker}[sys.argv[1]](*sys.argv[2:]))
