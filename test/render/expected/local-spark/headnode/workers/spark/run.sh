#!/bin/sh
# Runs the manager of a framework.
home=/@HOME@/.scailfin/mine/pool/workers/spark
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
exec env SCAILFIN_FILES=05590370b1a7416b TMPDIR=/@HOME@/.scailfin/mine/pool/workers/spark/run /bin/sh /@HOME@/.scailfin/mine/pool/fence/engine.sh /@HOME@/.scailfin/mine/pool/workers/spark/run /@HOME@/.scailfin/mine/pool/workers/spark/run /@HOME@/.scailfin/mine/pool/workers/spark/manager.py /@HOME@/.scailfin/mine/pool/workers/spark/venv /@HOME@/.scailfin/mine/pool/workers/spark/site /@HOME@/.scailfin/mine/pool/workers/spark/java /@HOME@/.scailfin/mine/pool/workers/spark/front /@HOME@/.scailfin/mine/pool/workers/spark/tree/spark /@PYTHON@ -- /@HOME@/.scailfin/mine/pool/workers/spark/venv/bin/python -I -B /@HOME@/.scailfin/mine/pool/workers/spark/manager.py /@HOME@/.scailfin/mine/pool/workers/spark 127.254.99.35 45002
