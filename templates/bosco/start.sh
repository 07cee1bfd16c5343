# shellcheck shell=bash
# bosco-start DIR: has the pool's master run what grows it, or run it anew where its files changed. DIR/bosco.config names it.
# Ends with 9 when it does not begin, with the end of its log.
set -u
dir=$1 bosco=$1/bosco
old=$(cat "$bosco/grow.pid" 2>/dev/null)
[ -z "$old" ] || ! grep -qzxF "$bosco/grow.sh" "/proc/$old/cmdline" 2>/dev/null || kill "$old" 2>/dev/null
mkdir -p "$bosco/tmp"
rm -f "$bosco/stopped" "$bosco/round"
# it reads its configuration again
kill -HUP "$(cat "$dir/run/master.pid")" || exit 9
n=0
until [ -e "$bosco/round" ]; do
  n=$((n + 1))
  [ "$n" -lt 300 ] || { tail -n 5 "$bosco/grow.out" >&2; exit 9; }
  sleep 0.1
done
exit 0
