# shellcheck shell=bash
# edge-look DIR FIRST_PORT: describes what this headnode has to run the edge of the pool in DIR. Prints KEY=VALUE lines:
# system, arch, glibc; node=PATH (if there is one that is new enough); program=DIGEST (what is staged); port (its own, or
# a free one)
set -u
dir=$1 first=$2
export LC_ALL=C
echo "system=$(uname -s)"
echo "arch=$(uname -m)"
echo "glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)"
enough='const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
for node in "$dir/edge/node" "$(command -v node)"; do
  if [ -n "$node" ] && [ -x "$node" ] && "$node" -e "$enough" >/dev/null 2>&1; then echo "node=$node"; break; fi
done
[ ! -r "$dir/edge/program/digest" ] || echo "program=$(cat "$dir/edge/program/digest")"
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
