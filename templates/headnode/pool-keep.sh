# shellcheck shell=bash
# pool-keep DIR MASTER: runs the pool's master, the program MASTER, and starts it again when it was killed or has crashed. When the
# master ends by itself, this ends too.
set -u
dir=$1 master=$2
# shellcheck source=/dev/null
. "$dir/pool-stop.sh"
echo "$$" >"$dir/run/keep.pid"
# a core file would contain secrets
ulimit -c 0
crashes=0
while [ -e "$dir/condor_config" ]; do
  began=$SECONDS
  "$master" -f -pidfile "$dir/run/master.pid"
  status=$?
  # more than 128: a signal that it did not expect
  [ "$status" -gt 128 ] || exit "$status"
  [ $((SECONDS - began)) -lt 60 ] || crashes=0
  crashes=$((crashes + 1))
  echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) the pool's master was ended by signal $((status - 128))"
  [ "$crashes" -lt 5 ] || { echo "it has ended 5 times within a minute of its start: it is not started again"; exit 1; }
  # what it had started goes on for a while, and holds the port
  pool_stop "$dir" || exit 1
  sleep 1
done
