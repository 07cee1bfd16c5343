# shellcheck shell=bash
# edge-start DIR: has the pool's master run the edge, or run it anew where its files changed. DIR/edge.config names
# DIR/edge/run.sh; program and settings are below DIR/edge. Prints port=PORT; ends with 9 when it does not answer, with
# the end of its log.
set -u
umask 077
dir=$1
export LC_ALL=C
edge=$dir/edge
port=$(cat "$edge/port") || exit 9
mkdir -p "$edge/log"
# what answers there is this user's (proc_pid_net(5)), and no one else's who took the port
ours() { [ "$(awk -v port=":$(printf '%04X' "$port")$" '$4 == "0A" && $2 ~ port { print $8; exit }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)" = "$(id -u)" ]; }
answers() { ours && (exec 3<>"/dev/tcp/127.0.0.1/$port" && printf 'GET /api/ping HTTP/1.0\r\n\r\n' >&3 && head -n 1 <&3 | grep -q ' 200 ') 2>/dev/null; }
old=$(cat "$edge/edge.pid" 2>/dev/null)
[ -z "$old" ] || kill "$old" 2>/dev/null
# it reads its configuration again
kill -HUP "$(cat "$dir/run/master.pid")" || exit 9
n=0
until answers; do
  n=$((n + 1))
  [ "$n" -lt 300 ] || { tail -n 5 "$edge/log/edge.out" >&2; exit 9; }
  sleep 0.1
done
echo "port=$port"
