#!/bin/sh
# Runs one of scailfin's programs, and ends when it ends. A program that is out of memory may die by SIGTRAP, and the master would
# believe that such a child is still running. So this script always ends with an exit status.
home=/@HOME@/.scailfin/polaris/pool/relay name=relay
# a core file would contain secrets
# shellcheck disable=SC3045  # dash and bash have it
ulimit -c 0
exec >>"$home/log/$name.out" 2>&1 </dev/null
# its time is that of the last sign of life of an earlier process
mv -f "$home/alive" "$home/alive.before" 2>/dev/null
: >"$home/alive"
SCAILFIN_KEPT=1 /@NODE@ "$home/program/dist/$name.mjs" "$home" &
child=$!

# a program that has shown no sign of life in 12 looks in a row does not recover by itself: it is killed
watch() {
  trap 'kill "$nap" 2>/dev/null; exit 0' TERM
  silent=0 last=''
  while kill -0 "$child" 2>/dev/null; do
    sleep 10 &
    nap=$!
    wait "$nap"
    now=$(stat -c %Y "$home/alive" 2>/dev/null)
    if [ "$now" = "$last" ]; then silent=$((silent + 1)); else silent=0 last=$now; fi
    [ "$silent" -lt 12 ] || { echo "$name has shown no sign of life for 2 minutes: it is killed"; kill -KILL "$child"; }
  done
}
watch &
watcher=$!

# the master sends TERM or QUIT to end it, and HUP to have it read its configuration, of which it has none
trap 'kill -TERM "$child" 2>/dev/null' TERM INT QUIT
trap : HUP
status=1
while kill -0 "$child" 2>/dev/null; do
  wait "$child"
  status=$?
done
kill "$watcher" 2>/dev/null
wait "$watcher"
[ "$status" = 0 ] || echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $name ended with status $status"
# some exit statuses tell the master never to restart it
[ "$status" = 0 ] || exit 1
