#!/bin/sh
# Runs the edge, and ends when the edge ends. A program that is out of memory may die by SIGTRAP, and the master would
# believe that such a child is still running. So this script always ends with an exit status.
edge=/@HOME@/.scailfin/nersc/pool/edge
# a core file would contain the token
# shellcheck disable=SC3045  # dash and bash have it
ulimit -c 0
exec >>"$edge/log/edge.out" 2>&1 </dev/null
: >"$edge/alive"
SCAILFIN_EDGE_KEPT=1 /@NODE@ "$edge/program/dist/edge.mjs" "$edge" &
child=$!

# an edge that has shown no sign of life in 12 looks in a row does not recover by itself: it is killed
watch() {
  trap 'kill "$nap" 2>/dev/null; exit 0' TERM
  silent=0 last=''
  while kill -0 "$child" 2>/dev/null; do
    sleep 10 &
    nap=$!
    wait "$nap"
    now=$(stat -c %Y "$edge/alive" 2>/dev/null)
    if [ "$now" = "$last" ]; then silent=$((silent + 1)); else silent=0 last=$now; fi
    [ "$silent" -lt 12 ] || { echo "the edge has shown no sign of life for 2 minutes: it is killed"; kill -KILL "$child"; }
  done
}
watch &
watcher=$!

# the master sends TERM or QUIT to end the edge, and HUP to have it read its configuration, of which it has none
trap 'kill -TERM "$child" 2>/dev/null' TERM INT QUIT
trap : HUP
status=1
while kill -0 "$child" 2>/dev/null; do
  wait "$child"
  status=$?
done
kill "$watcher" 2>/dev/null
wait "$watcher"
[ "$status" = 0 ] || echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) the edge ended with status $status"
# some exit statuses tell the master never to restart it
[ "$status" = 0 ] || exit 1
