# shellcheck shell=bash
# workers-port DIR NAME FIRST: prints port=NUMBER, on which the manager of the framework NAME listens: the one it has had, unless
# another user took it, or else a free one from FIRST on
set -u
export LC_ALL=C
file=$1/workers/$2/port first=$3
# prints the uid of the process that listens on a port (proc_pid_net(5))
listener() { awk -v port=":$(printf '%04X' "$1")$" '$4 == "0A" && $2 ~ port { print $8; exit }' /proc/net/tcp /proc/net/tcp6 2>/dev/null; }
port=$(cat "$file" 2>/dev/null)
[ -z "$port" ] || case $(listener "$port") in '' | "$(id -u)") ;; *) port= ;; esac
if [ -z "$port" ]; then
  port=$first
  while [ -n "$(listener "$port")" ]; do
    port=$((port + 1))
    [ "$port" -lt $((first + 100)) ] || { echo "all ports from $first to $((first + 99)) are taken here" >&2; exit 7; }
  done
fi
echo "port=$port"
