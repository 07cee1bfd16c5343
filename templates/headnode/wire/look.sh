# shellcheck shell=bash
# wire-look: prints python=PATH, a Python that can run the headnode's end of the wire (templates/wire/head.py), if there is one
set -u
for python in python3 /usr/bin/python3 /usr/libexec/platform-python; do
  python=$(command -v "$python") || continue
  # recvmsg and asyncio with TLS
  "$python" -I -c 'import asyncio, socket, ssl, sys; sys.exit(sys.version_info < (3, 6))' 2>/dev/null || continue
  echo "python=$python"
  break
done
