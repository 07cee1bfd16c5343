# shellcheck shell=bash
# relay-start DIR SECONDS STATES SITE…: lets the pool's master run the relay, or restart it if its files changed. Waits until
# its state for each SITE is one of STATES (open, or open|cut), at most SECONDS, and prints state=BASE64 for each: what the relay
# wrote down. Exits with 9 and the end of its log if it does not start.
set -u
umask 077
dir=$1 limit=$2 states=$3
shift 3
export LC_ALL=C
relay=$dir/relay
mkdir -p "$relay/log"
# the pid may belong to another process by now
runs() { [ -n "$1" ] && tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -qF "$relay/program/dist/relay.mjs"; }
old=$(cat "$relay/relay.pid" 2>/dev/null) again=
sum=$(cat "$relay/settings.json" "$relay/run.sh" "$relay/program/digest" "$relay"/sites/*/* 2>/dev/null | sha256sum)
# a restart would cut the nodes off for a moment
if ! runs "$old" || [ "$sum" != "$(cat "$relay/sum" 2>/dev/null)" ]; then
  n=0
  while runs "$old" && [ "$n" -lt 60 ]; do
    case $n in 0) kill "$old" ;; 50) kill -KILL "$old" ;; esac
    n=$((n + 1))
    sleep 0.1
  done
  rm -f "$relay/relay.pid"
  echo "$sum" >"$relay/sum"
  again=yes
fi
# what follows waits for new states; the relay goes on from the old ones
mkdir -p "$relay/before"
for state in "$relay"/state/*.json; do
  [ -n "$again" ] || grep -qs '"state":"cut"' "$state" || continue
  mv "$state" "$relay/before/"
done
# a relay that was not restarted makes its next attempt now
[ -n "$again" ] || kill -USR2 "$old"
# the master reads its configuration again
kill -HUP "$(cat "$dir/run/master.pid")" || exit 9
settled() { for site in "$@"; do grep -qsE "\"state\":\"($states)\"" "$relay/state/$site.json" || return 1; done; }
n=0
until settled "$@"; do
  n=$((n + 1))
  [ "$n" -lt $((limit * 10)) ] || break
  # a master that believes the relay to be running does not start it
  [ "$n" != 150 ] || [ -s "$relay/relay.pid" ] || (CONDOR_CONFIG=$dir/condor_config setsid /bin/sh "$relay/run.sh" </dev/null >/dev/null 2>&1 &)
  [ "$n" != 300 ] || [ -s "$relay/relay.pid" ] || { tail -n 5 "$relay/log/relay.out" >&2; exit 9; }
  sleep 0.1
done
for site in "$@"; do [ ! -r "$relay/state/$site.json" ] || echo "state=$(base64 <"$relay/state/$site.json" | tr -d '\n')"; done
