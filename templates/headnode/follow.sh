# shellcheck shell=bash
# follow STATE OFFSET SECONDS: what the detached command wrote beyond OFFSET bytes, waiting up to SECONDS for news of it.
# Prints state=, size= and the end of its errors, an empty line, and the whole lines that are new.
set -u
state=$1 offset=$2 steps=$(($3 * 5))
ended() {
  flock -n "$state/lock" true || return 1
  # it may have ended between our look at its status and the one at its lock
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
