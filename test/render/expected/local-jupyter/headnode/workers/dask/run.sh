#!/bin/sh
# Runs the manager of a framework.
home=/@HOME@/.scailfin/mine/pool/workers/dask
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
exec env SCAILFIN_CALLS=unix:/@HOME@/.scailfin/mine/pool/wire/local/calls TMPDIR=/@HOME@/.scailfin/mine/pool/workers/dask/run /bin/sh /@HOME@/.scailfin/mine/pool/fence/engine.sh /@HOME@/.scailfin/mine/pool/workers/dask/run /@HOME@/.scailfin/mine/pool/workers/dask/run /@HOME@/.scailfin/mine/pool/workers/dask/venv /@HOME@/.scailfin/mine/pool/workers/dask/tree/dask /@HOME@/.scailfin/mine/pool/wire/local /@PYTHON@ -- /@HOME@/.scailfin/mine/pool/workers/dask/venv/bin/python -I -B /@HOME@/.scailfin/mine/pool/workers/dask/tree/dask/scailfin_dask.py scheduler 38786
