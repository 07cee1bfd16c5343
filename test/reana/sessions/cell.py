"""Runs a cell in a kernel of a session, as a browser would: cell.py URL HOST COOKIE CODE, and prints what the cell prints.

An independent client of WebSockets speaks here: websocket-client. HOST is the session's own origin; the connection itself
goes to the address in URL.
"""

import json
import sys
import urllib.request
import uuid

import websocket

url, host, cookie, code = sys.argv[1:]
origin = f"http://{host}"
headers = {"Host": host, "Cookie": cookie, "Origin": origin}
asked = urllib.request.Request(f"{url}/api/kernels", data=b"{}", headers=headers, method="POST")
kernel = json.load(urllib.request.urlopen(asked))["id"]
way = websocket.create_connection(
    f"{url.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels",
    host=host,
    origin=origin,
    cookie=cookie,
    timeout=60,
)
header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "username": "u", "session": uuid.uuid4().hex, "version": "5.3"}
content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
way.send(json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell", "buffers": []}))
while True:
    said = json.loads(way.recv())
    if said["parent_header"].get("msg_id") != header["msg_id"]:
        continue
    if said["msg_type"] == "stream":
        sys.stdout.write(said["content"]["text"])
    if said["msg_type"] == "error":
        sys.exit("\n".join(said["content"]["traceback"]))
    if said["msg_type"] == "status" and said["content"]["execution_state"] == "idle":
        break
way.close()
