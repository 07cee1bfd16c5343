# shellcheck shell=bash
# program-stop DIR NAME WORDS: lets the pool's master end one of scailfin's programs and forget it; returns 1 if it does not
# end. WORDS name it in that message.
set -u
dir=$1 name=$2 words=$3
home=$dir/$name
rm -f "$dir/$name.config"
pid=$(cat "$home/$name.pid" 2>/dev/null)
kill -HUP "$(cat "$dir/run/master.pid" 2>/dev/null)" 2>/dev/null
n=0
while [ -n "$pid" ] && grep -qsF "$home" "/proc/$pid/cmdline"; do
  n=$((n + 1))
  [ "$n" -lt 100 ] || { echo "$words (process $pid) does not end" >&2; exit 1; }
  [ "$n" != 50 ] || kill "$pid"
  sleep 0.1
done
exit 0
