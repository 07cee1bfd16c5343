# shellcheck shell=bash
# edge-look DIR FIRST_PORT: prints what node_look says about the edge of the pool in DIR, and port=NUMBER: the edge's own, or a
# free one. (node-look.sh is put before it.)
set -u
dir=$1 first=$2
export LC_ALL=C
node_look "$dir" edge
open() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
# prints the uid of the process that listens on a port (proc_pid_net(5))
listener() { awk -v port=":$(printf '%04X' "$1")$" '$4 == "0A" && $2 ~ port { print $8; exit }' /proc/net/tcp /proc/net/tcp6 2>/dev/null; }
port=$(cat "$dir/edge/port" 2>/dev/null)
# another user took the port while the edge did not run
[ -z "$port" ] || case $(listener "$port") in '' | "$(id -u)") ;; *) port= ;; esac
if [ -z "$port" ]; then
  port=$first
  while open "$port"; do
    port=$((port + 1))
    [ "$port" -lt $((first + 100)) ] || { echo "all ports from $first to $((first + 99)) are taken here" >&2; exit 7; }
  done
fi
echo "port=$port"
