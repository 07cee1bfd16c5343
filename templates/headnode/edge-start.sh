# shellcheck shell=bash
# edge-start DIR NODE PORT: has the pool's master run the edge, or run it anew where its files changed. The edge's
# program and settings are below DIR/edge. Ends with 9 when it does not answer, with the end of its log.
set -u
umask 077
dir=$1 node=$2 port=$3
export LC_ALL=C
edge=$dir/edge
mkdir -p "$edge/log"
# HTCondor's master starts it, starts it again when it ends, and ends it with the pool
printf '#!/bin/sh\nexec "%s" "%s/program/dist/edge.mjs" "%s" >>"%s/log/edge.out" 2>&1 </dev/null\n' "$node" "$edge" "$edge" "$edge" >"$edge/run.sh"
chmod 700 "$edge/run.sh"
echo "$port" >"$edge/port"
cat >"$dir/edge.config" <<CONFIG
DAEMON_LIST = \$(DAEMON_LIST), EDGE
EDGE = $edge/run.sh
MASTER_EDGE_BACKOFF_CONSTANT = 1
MASTER_EDGE_BACKOFF_CEILING = 30
MASTER_EDGE_RECOVER_FACTOR = 60
CONFIG
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$port" && printf 'GET /api/ping HTTP/1.0\r\n\r\n' >&3 && head -n 1 <&3 | grep -q ' 200 ') 2>/dev/null; }
old=$(cat "$edge/edge.pid" 2>/dev/null)
[ -z "$old" ] || kill "$old" 2>/dev/null
# it reads its configuration again
kill -HUP "$(cat "$dir/run/master.pid")" || exit 9
n=0
until answers; do
  n=$((n + 1))
  [ "$n" -lt 300 ] || { tail -n 5 "$edge/log/edge.out" >&2; exit 9; }
  sleep 0.1
done
exit 0
