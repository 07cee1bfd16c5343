# shellcheck shell=bash
# workers-manager DIR NAME: lets the pool's master run the manager of the framework NAME, or restart it if its files changed, and waits
# until it listens on its port. DIR/workers/NAME/manager.config names DIR/workers/NAME/run.sh. Exits with 9 and the end of its log if it does not.
set -u
umask 077
export LC_ALL=C
dir=$1 name=$2
home=$dir/workers/$name
port=$(cat "$home/port") || exit 9
mkdir -p "$home/log"
sum=$(find "$home/run.sh" "$home/tree" -type f ! -name '*.tar' ! -name '*.tar.gz' -print0 | sort -z | xargs -0 cat | sha256sum)
pid() { cat "$home/manager.pid" 2>/dev/null; }
runs() { [ -n "$(pid)" ] && grep -qszF "$home/" "/proc/$(pid)/cmdline"; }
# it belongs to this user (proc_pid_net(5))
listens() { [ "$(awk -v port=":$(printf '%04X' "$port")$" '$4 == "0A" && $2 ~ port { print $8; exit }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)" = "$(id -u)" ]; }
if runs && [ "$sum" != "$(cat "$home/sum" 2>/dev/null)" ]; then
  # behind a fence, this is the only signal that ends all of it
  kill -KILL "$(pid)"
  n=0
  while runs && [ "$n" -lt 100 ]; do
    n=$((n + 1))
    sleep 0.1
  done
fi
echo "$sum" >"$home/sum"
# the managers of all frameworks
cat "$dir"/workers/*/manager.config >"$dir/manager.config.new" && mv "$dir/manager.config.new" "$dir/manager.config" || exit 9
# the master reads its configuration again
kill -HUP "$(cat "$dir/run/master.pid")" || exit 9
n=0
until runs && listens; do
  n=$((n + 1))
  [ "$n" -lt 1500 ] || { echo "it does not listen on port $port:"; tail -n 5 "$home/log/manager.out"; exit 9; } >&2
  sleep 0.1
done
