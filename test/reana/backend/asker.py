"""Makes HTTP requests for a test, where the test itself is not. A line of JSON in, one out; requests wait for none before them.

In: {"n": …, "method": …, "url": …, "body": text or null}. Out: {"n": …, "status": …, "text": …}; status 0 means that nobody
answers. An answer that broke off is {"n": …, "error": …}.
"""
import json
import sys
import threading
import urllib.error
import urllib.request


def ask(method, url, body):
    data = body.encode() if body else None
    request = urllib.request.Request(url, method=method, data=data, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=120) as got:
            return {"status": got.status, "text": got.read().decode()}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "text": error.read().decode()}
    except urllib.error.URLError:
        return {"status": 0, "text": ""}
    except Exception as error:
        return {"error": repr(error)}


def answer(n, **request):
    # one write: lines of several threads must not mix
    sys.stdout.write(json.dumps({"n": n, **ask(**request)}) + "\n")
    sys.stdout.flush()


for line in sys.stdin:
    threading.Thread(target=answer, kwargs=json.loads(line), daemon=True).start()
