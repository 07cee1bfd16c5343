#!/bin/sh
# Runs the edge, and ends when that ends. The master would take a child that dies by SIGTRAP, as a program out of memory
# may, for one that goes on: so it is told a status, whatever the edge died by.
edge=/@HOME@/.scailfin/nersc/pool/edge
# a core would have the token in it
# shellcheck disable=SC3045  # dash and bash have it
ulimit -c 0
exec >>"$edge/log/edge.out" 2>&1 </dev/null
: >"$edge/alive"
SCAILFIN_EDGE_KEPT=1 /@NODE@ "$edge/program/dist/edge.mjs" "$edge" &
child=$!

# one that shows no sign of life for so many looks in a row goes on no more by itself
watch() {
  trap 'kill "$nap" 2>/dev/null; exit 0' TERM
  silent=0 last=''
  while kill -0 "$child" 2>/dev/null; do
    sleep 10 &
    nap=$!
    wait "$nap"
    now=$(stat -c %Y "$edge/alive" 2>/dev/null)
    if [ "$now" = "$last" ]; then silent=$((silent + 1)); else silent=0 last=$now; fi
    [ "$silent" -lt 12 ] || { echo "the edge shows no sign of life: it is ended"; kill -KILL "$child"; }
  done
}
watch &
watcher=$!

# the master's way to have it end; and its way to have it read its configuration, of which it has none
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
# some numbers tell the master never to start it again
[ "$status" = 0 ] || exit 1
