# shellcheck shell=bash
# wire-start DIR: lets the pool's master run the wire, or restart it if its files changed. DIR/wire.config names
# DIR/wire/run.sh. Exits with 9 and the end of its log if it does not start.
set -u
umask 077
export LC_ALL=C
dir=$1
wire=$dir/wire
mkdir -p "$wire/log"
# a restart ends the connections of all workers
sum=$(cat "$wire/head.py" "$wire/cert.pem" "$wire/key.pem" "$wire/run.sh" | sha256sum)
runs() { local pid; pid=$(cat "$wire/wire.pid" 2>/dev/null) && [ -n "$pid" ] && grep -qszxF "$wire/head.py" "/proc/$pid/cmdline"; }
if runs && [ "$sum" != "$(cat "$wire/sum" 2>/dev/null)" ]; then kill "$(cat "$wire/wire.pid")"; fi
n=0
while runs && [ "$sum" != "$(cat "$wire/sum" 2>/dev/null)" ] && [ "$n" -lt 50 ]; do
  n=$((n + 1))
  sleep 0.1
done
echo "$sum" >"$wire/sum"
# the master reads its configuration again
kill -HUP "$(cat "$dir/run/master.pid")" || exit 9
n=0
until runs; do
  n=$((n + 1))
  [ "$n" -lt 300 ] || { echo "the wire does not start:"; tail -n 5 "$wire/log/wire.out"; exit 9; } >&2
  sleep 0.1
done
