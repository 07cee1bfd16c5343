#!/bin/sh
# Runs the headnode's end of the wire.
home=/@HOME@/.scailfin/mine/pool/wire
# a core file would contain secrets
# shellcheck disable=SC3045  # dash and bash have it
ulimit -c 0
umask 077
mkdir -p "$home/log"
mv -f "$home/log/wire.out" "$home/log/wire.out.old" 2>/dev/null
exec >"$home/log/wire.out" 2>&1 </dev/null
# the master says so when its configuration has changed
trap '' HUP
exec /@PYTHON@ -I -B "$home/head.py" "$home"
