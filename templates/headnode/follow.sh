# shellcheck shell=bash
# follow STATE OFFSET SECONDS: prints what the detached command wrote beyond OFFSET bytes; waits up to SECONDS for new
# output. Prints state=, size= and the end of its errors, then an empty line, and then the new complete lines.
set -u
state=$1 offset=$2 steps=$(($3 * 5))
ended() {
  flock -n "$state/lock" true || return 1
  # the command may have ended between the check of its status and the check of its lock
  if [ -s "$state/status" ]; then echo "state=$(cat "$state/status")"; else echo "state=lost"; fi
}
while :; do
  over=$(ended)
  size=$(wc -c <"$state/out")
  [ -n "$over" ] || [ "$size" -gt "$offset" ] || [ "$steps" -le 0 ] || { steps=$((steps - 1)); sleep 0.2; continue; }
  break
done
echo "${over:-state=running}"
echo "size=$size"
[ -z "$over" ] || tail -n 20 "$state/err" | cut -c1-2000 | sed 's/^/err=/'
echo
tail -c "+$((offset + 1))" "$state/out" | head -c 1000000
