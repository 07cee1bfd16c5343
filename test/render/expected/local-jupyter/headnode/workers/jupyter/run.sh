#!/bin/sh
# Runs the manager of a framework.
home=/@HOME@/.scailfin/mine/pool/workers/jupyter
# a core file would contain secrets
# shellcheck disable=SC3045  # dash and bash have it
ulimit -c 0
umask 077
mkdir -p "$home/log" "$home/run"
mv -f "$home/log/manager.out" "$home/log/manager.out.old" 2>/dev/null
exec >"$home/log/manager.out" 2>&1 </dev/null
# the master says so when its configuration has changed
trap '' HUP
echo "$$" >"$home/manager.pid"
exec env SCAILFIN_SUM=6c800195ca0ef355 /@PYTHON@ -I -B /@HOME@/.scailfin/mine/pool/workers/jupyter/door/door.py /@HOME@/.scailfin/mine/pool/workers/jupyter/door/settings.json
