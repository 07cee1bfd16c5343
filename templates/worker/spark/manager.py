"""Spark's master and its Connect server on the headnode, and in front of them the one port that clients call, by TLS.

    manager.py HOME ADDRESS PORT

HOME is the directory of Spark's workers on the headnode. The master and the Connect server listen at ADDRESS, which is the headnode's
in the network of workers (templates/wire says how). All of them end together: the pool's master starts them again.
"""

import asyncio
import base64
import ctypes
import os
import signal
import socket
import ssl
import struct
import sys

MASTER, CONNECT = 7077, 15002
CHUNK = 256 * 1024
# connections of clients
clients = set()
# for Java programs that compute little
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


def configure(home, address):
    """Writes what Spark reads: the settings that workers have, too, and the headnode's own."""
    site = os.path.join(home, "site")
    conf = os.path.join(home, "run", "conf")
    os.makedirs(conf, exist_ok=True)
    with open(os.path.join(home, "tree", "spark", "spark-defaults.conf")) as file:
        text = file.read()
    with open(os.path.join(home, "front", "token")) as file:
        token = file.read().strip()
    own = {
        "spark.connect.authenticate.token": token,
        "spark.connect.grpc.binding.address": address,
        "spark.connect.grpc.binding.port": CONNECT,
        "spark.connect.grpc.port.maxRetries": 0,
        "spark.sql.warehouse.dir": os.path.join(home, "run", "warehouse"),
        # nobody knows this key: the pages are for nobody
        "spark.org.apache.spark.ui.JWSFilter.param.secretKey": base64.urlsafe_b64encode(os.urandom(48)).decode(),
    }
    with open(os.path.join(conf, "spark-defaults.conf"), "w") as file:
        file.write(text + "".join("%s %s\n" % each for each in own.items()))
    with open(os.path.join(home, "tree", "spark", "log4j2.properties")) as file:
        text = file.read()
    with open(os.path.join(conf, "log4j2.properties"), "w") as file:
        file.write(text)
    return dict(
        os.environ,
        SPARK_HOME=os.path.join(site, "pyspark"),
        JAVA_HOME=os.path.join(home, "java"),
        SPARK_CONF_DIR=conf,
        SPARK_SCALA_VERSION="2.13",
        PYTHONPATH=site,
        PYSPARK_PYTHON="python3",
        SPARK_LOCAL_IP=address,
        SPARK_LOCAL_HOSTNAME=address,
        SPARK_LOCAL_DIRS=os.environ["TMPDIR"],
        SPARK_DAEMON_MEMORY="512m",
        SPARK_DAEMON_JAVA_OPTS=" ".join(QUICK),
    )


def is_ours(address, port):
    """Whether a program of this user listens there (proc_pid_net(5)): another one would be told the token."""
    wanted = "%08X:%04X" % (struct.unpack("=I", socket.inet_aton(address))[0], port)
    with open("/proc/net/tcp") as lines:
        return any(w[1] == wanted and w[3] == "0A" and int(w[7]) == os.getuid() for w in map(str.split, lines))


async def until_there(address, port):
    while not is_ours(address, port):
        await asyncio.sleep(0.2)


def end_with_parent():
    # PR_SET_PDEATHSIG, see prctl(2)
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


async def run(env, *args):
    """Starts a program of Spark, as its script spark-class does, which needs /dev/fd: the launcher says the command, word by word."""
    java = os.path.join(env["JAVA_HOME"], "bin", "java")
    launcher = (java, *QUICK, "-Xmx128m", "-cp", os.path.join(env["SPARK_HOME"], "jars", "*"), "org.apache.spark.launcher.Main")
    asked = await asyncio.create_subprocess_exec(*launcher, *args, env=env, stdout=asyncio.subprocess.PIPE)
    said, _ = await asked.communicate()
    command = said.partition(b"\0\n")[2].split(b"\0")[:-1]
    if asked.returncode or not command:
        sys.exit("Spark's launcher does not say how to start %s" % args[0])
    child = await asyncio.create_subprocess_exec(*command, env=env, preexec_fn=end_with_parent)
    print("%s ended with status %s" % (args[0], await child.wait()), flush=True)


async def pump(reader, writer):
    try:
        while True:
            data = await reader.read(CHUNK)
            if not data:
                return
            writer.write(data)
            await writer.drain()
    except OSError:
        pass


def is_from_us(writer):
    """Whether this user calls: others may call, too, as long as they have the token."""
    host, port = writer.get_extra_info("peername")[:2]
    wanted = "%08X:%04X" % (struct.unpack("=I", socket.inet_aton(host))[0], port)
    with open("/proc/net/tcp") as lines:
        return any(w[1] == wanted and w[9] != "0" and int(w[7]) == os.getuid() for w in map(str.split, lines))


async def tell():
    """Says in a file whether there is a client (templates/headnode/workers/watch.sh)."""
    path = os.path.join(os.environ["TMPDIR"], "need")
    while True:
        with open(path + ".new", "w") as file:
            file.write("yes" if clients else "no")
        os.replace(path + ".new", path)
        await asyncio.sleep(1)


async def serve(address, reader, writer):
    far = None
    try:
        if is_from_us(writer):
            clients.add(writer)
        if not is_ours(address, CONNECT):
            return
        far = await asyncio.open_connection(address, CONNECT, limit=CHUNK)
        pumps = [asyncio.ensure_future(pump(reader, far[1])), asyncio.ensure_future(pump(far[0], writer))]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for task in pumps:
            task.cancel()
    except OSError:
        pass
    finally:
        clients.discard(writer)
        writer.close()
        if far:
            far[1].close()


async def main(home, address, port):
    env = configure(home, address)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(os.path.join(home, "front", "cert.pem"), os.path.join(home, "front", "key.pem"))
    # gRPC insists on it
    context.set_alpn_protocols(["h2"])
    master = ("org.apache.spark.deploy.master.Master", "--host", address, "--port", str(MASTER), "--webui-port", "0")
    connect = ("org.apache.spark.deploy.SparkSubmit", "--class", "org.apache.spark.sql.connect.service.SparkConnectServer")
    # the server calls the master again and again until it answers
    ends = [asyncio.ensure_future(run(env, *master)), asyncio.ensure_future(run(env, *connect, "spark-internal"))]
    ready = asyncio.ensure_future(until_there(address, CONNECT))
    await asyncio.wait([ready, *ends], return_when=asyncio.FIRST_COMPLETED)
    if ready.done():
        await asyncio.start_server(
            lambda reader, writer: serve(address, reader, writer),
            "127.0.0.1",
            int(port),
            ssl=context,
            ssl_handshake_timeout=15,
            limit=CHUNK,
        )
        ends.append(asyncio.ensure_future(tell()))
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)


if __name__ == "__main__":
    os.umask(0o077)
    signal.signal(signal.SIGTERM, lambda *_: os.killpg(0, signal.SIGKILL))
    os.setpgid(0, 0)
    try:
        asyncio.run(main(*sys.argv[1:]))
    finally:
        sys.stdout.flush()
        os.killpg(0, signal.SIGKILL)
