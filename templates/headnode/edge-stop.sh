# shellcheck shell=bash
# edge-stop DIR: lets the pool's master end the edge and forget it; returns 1 if the edge does not end
set -u
dir=$1
edge=$dir/edge
rm -f "$dir/edge.config"
pid=$(cat "$edge/edge.pid" 2>/dev/null)
kill -HUP "$(cat "$dir/run/master.pid" 2>/dev/null)" 2>/dev/null
n=0
while [ -n "$pid" ] && grep -qsF "$edge" "/proc/$pid/cmdline"; do
  n=$((n + 1))
  [ "$n" -lt 100 ] || { echo "REANA's edge (process $pid) does not end" >&2; exit 1; }
  [ "$n" != 50 ] || kill "$pid"
  sleep 0.1
done
exit 0
