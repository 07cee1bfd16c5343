"""What another user tries at a port of Spark who has no secret: ADDRESS:PORT HOW refused, or let in, a line for each.

    attack.py [--token FILE] ADDRESS:PORT…      with the token, as one who may come in

HTTP asks for the pages of a master, a worker or an application. RPC is a call of Spark's own protocol that every server of it answers
if it lets the caller in: whether there is an endpoint. gRPC is a call of Spark Connect, without TLS and with it.
"""

import re
import socket
import ssl
import struct
import sys
from concurrent.futures import ThreadPoolExecutor

PAGES = ("/", "/json/", "/logPage/?workerId=x&logType=err", "/api/v1/applications", "/metrics/master/json/", "/static/webui.js")
# RpcEndpointVerifier.CheckExistence("Master") as Java serializes it
QUESTION = bytes.fromhex(
    "aced00057372003d6f72672e6170616368652e737061726b2e7270632e6e657474792e527063456e64706f696e74566572696669657224436865636b4578697374656e63654aa51e9ee4c19ac40200014c00046e616d657400124c6a6176612f6c616e672f537472696e673b78707400064d6173746572"
)


def talk(where, say, tls=False, seconds=3.0):
    """What is answered until nothing more comes."""
    answer = b""
    try:
        with socket.create_connection(where, timeout=seconds) as sock:
            if tls:
                context = ssl.create_default_context()
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                context.set_alpn_protocols(["h2"])
                sock = context.wrap_socket(sock)
            sock.sendall(say)
            while len(answer) < 100_000:
                data = sock.recv(65536)
                if not data:
                    break
                answer += data
                if b"grpc-status" in answer:
                    break
    except OSError:
        pass
    return answer


def http(where):
    for page in PAGES:
        answer = talk(where, b"GET %s HTTP/1.0\r\nHost: x\r\n\r\n" % page.encode())
        if re.match(rb"HTTP/1.1 (200|302)", answer):
            return page
    return None


def rpc(where):
    # from nobody, to the endpoint that knows which endpoints there are (NettyRpcEnv, RequestMessage.serialize)
    name = b"endpoint-verifier"
    address = b"\1" + struct.pack(">H", len(where[0])) + where[0].encode() + struct.pack(">I", where[1])
    body = b"\0" + address + struct.pack(">H", len(name)) + name + QUESTION
    head = b"\3" + struct.pack(">qi", 7, len(body))
    answer = talk(where, struct.pack(">q", 8 + len(head) + len(body)) + head + body)
    return "RPC" if answer[8:9] == b"\4" else None


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def grpc(where, tls, token):
    headers = {
        ":method": "POST",
        ":scheme": "https" if tls else "http",
        ":path": "/spark.connect.SparkConnectService/AnalyzePlan",
        ":authority": "%s:%d" % where,
        "content-type": "application/grpc",
        "te": "trailers",
    }
    if token:
        headers["authorization"] = "Bearer " + token
    # HPACK (RFC 7541, 6.2.2): literals
    packed = b"".join(b"\0" + bytes([len(k)]) + k.encode() + bytes([len(v)]) + v.encode() for k, v in headers.items())
    say = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") + frame(1, 4, 1, packed) + frame(0, 1, 1, bytes(5))
    answer = talk(where, say, tls)
    status = re.search(rb"grpc-status[\x01-\x02](\d+)", answer)
    # 16 is UNAUTHENTICATED
    return ("TLS" if tls else "gRPC") if status and status.group(1) != b"16" else None


def main(args):
    token = None
    if args[0] == "--token":
        with open(args[1]) as file:
            token = file.read().strip()
        args = args[2:]

    def tried(one):
        address, _, port = one.rpartition(":")
        where = (address, int(port))
        return http(where) or rpc(where) or grpc(where, False, token) or grpc(where, True, token)

    # most of the time is waiting for answers that do not come
    with ThreadPoolExecutor(len(args)) as pool:
        for one, way in zip(args, pool.map(tried, args)):
            print(one, "%s let in" % way if way else "refused", flush=True)


main(sys.argv[1:])
