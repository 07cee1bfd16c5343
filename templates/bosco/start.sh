# shellcheck shell=bash
# bosco-start DIR: lets the pool's master run the program that grows the pool, or restart it if its files changed.
# DIR/bosco.config names it. Exits with 9 and the end of its log if it does not start.
set -u
dir=$1 bosco=$1/bosco
old=$(cat "$bosco/grow.pid" 2>/dev/null)
[ -z "$old" ] || ! grep -qzxF "$bosco/grow.sh" "/proc/$old/cmdline" 2>/dev/null || kill "$old" 2>/dev/null
mkdir -p "$bosco/tmp"
rm -f "$bosco/stopped" "$bosco/round"
# the master reads its configuration again
kill -HUP "$(cat "$dir/run/master.pid")" || exit 9
n=0
until [ -e "$bosco/round" ]; do
  n=$((n + 1))
  [ "$n" -lt 300 ] || { tail -n 5 "$bosco/grow.out" >&2; exit 9; }
  sleep 0.1
done
exit 0
