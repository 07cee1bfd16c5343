"""A registry of one image: REPOSITORY, any tag but `none`. As docs.docker.com has it, "HTTP API V2", what a pull needs of it."""

import base64
import http.server
import ssl
import sys
import time

directory, port, repository = sys.argv[1], int(sys.argv[2]), sys.argv[3]
# of a private one: the file with name and password
login = "Basic " + base64.b64encode(open(sys.argv[4], "rb").read()).decode() if sys.argv[4:] else ""
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        kind, _, name = self.path.removeprefix(f"/v2/{repository}/").partition("/")
        if login and self.headers.get("Authorization") != login:
            body = b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'
            return self.answer(body, "application/json", 401)
        if self.path == "/v2/":
            return self.answer(b"{}", "application/json")
        if kind == "manifests" and name != "none":
            return self.answer(self.read("manifest"), MANIFEST)
        if kind == "blobs":
            # long enough for others to come meanwhile
            time.sleep(0.5)
            return self.answer(self.read(name.removeprefix("sha256:")), "application/octet-stream")
        body = b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'
        return self.answer(body, "application/json", 404)

    do_HEAD = do_GET

    def read(self, name):
        with open(f"{directory}/{name}", "rb") as file:
            return file.read()

    def answer(self, body, kind, status=200):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="lab"')
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        if kind == MANIFEST:
            self.send_header("Docker-Content-Digest", self.read("digest").decode())
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("", port), Registry)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{directory}/cert.pem", f"{directory}/key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
