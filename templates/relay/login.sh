# shellcheck shell=bash
# relay DIR KEY [ADDRESS]: lets this login node listen for the compute nodes of the cluster whose directory is DIR, as long as
# the connection lives that started this. The system's ssh listens, and speaks on this command's standard input and output to the
# headnode, which has the host key KEY (TYPE BASE64). ADDRESS is this node's name or address as compute nodes see it. DIR/relay/at
# says where it listens. (site/machine.sh is put before it, and SCAILFIN_RELAY is in the environment.)
set -u
umask 077
export LC_ALL=C
dir=$1/relay key=$2 wanted=${3-}
command -v ssh >/dev/null || { echo "this login node has no ssh, which the relay needs" >&2; exit 4; }
{ [ -d "$1" ] && [ ! -e "$1/closed" ]; } || { echo "this cluster is being taken down" >&2; exit 75; }
mkdir -p "$dir" || exit 1
host=$(uname -n)

# ---- an earlier relay whose connection has died unnoticed makes room
ours() { grep -lzxF "SCAILFIN_RELAY=$dir" /proc/[0-9]*/environ 2>/dev/null | sed 's|/proc/\([0-9]*\)/.*|\1|' | grep -vx "$$"; }
n=0
while [ "$n" -lt 30 ]; do
  old=
  for p in $(ours); do
    case $(cat "/proc/$p/comm" 2>/dev/null) in ssh | bash) old=yes && kill -"$([ "$n" -lt 20 ] && echo TERM || echo KILL)" "$p" 2>/dev/null ;; esac
  done
  [ -n "$old" ] || break
  n=$((n + 1))
  sleep 0.1
done
for old in "$dir/$host".*; do
  [ ! -d "$old" ] || [ -e "/proc/${old##*.}" ] || rm -rf "$old"
done

# ---- where to listen
addresses() { (hostname -I || ip -o -4 addr show scope global | awk '{ sub("/.*", "", $4); print $4 }') 2>/dev/null | tr ' ' '\n' | grep -E '^[0-9.]+$' | grep -v '^127\.'; }
known=$(addresses)
chosen=
if [ -n "$wanted" ]; then
  numbers=$wanted
  case $wanted in *[!0-9.]*) numbers=$(getent ahostsv4 "$wanted" | awk '{ print $1 }' | sort -u) ;; esac
  for a in $numbers; do ! printf '%s\n' "$known" | grep -qxF "$a" || chosen="$chosen $a"; done
  # the profile has another login node's address: this one has its own in the same network
  [ -n "$chosen" ] || for a in $numbers; do chosen="$chosen $(printf '%s\n' "$known" | grep -F "${a%.*}." | head -n 1)"; done
fi
# the address that the connection came to is the one that the outside sees
# shellcheck disable=SC2086
set -- ${SSH_CONNECTION-}
outer=${3-}
# shellcheck disable=SC2086,SC2116
chosen=$(echo $chosen)
[ -n "$chosen" ] || chosen=$(printf '%s\n' "$known" | grep -vxF "$outer" | grep -E '^(10|192\.168|172\.(1[6-9]|2[0-9]|3[01])|100\.(6[4-9]|[789][0-9]|1[01][0-9]|12[0-7]))\.' | head -n 4 | tr '\n' ' ')
[ -n "$chosen" ] || chosen=$(printf '%s\n' "$known" | grep -vxF "$outer" | head -n 4 | tr '\n' ' ')
[ -n "${chosen// /}" ] || chosen=${outer:-$(printf '%s\n' "$known" | head -n 1)}
[ -n "${chosen// /}" ] || { echo "$host has no IPv4 address but loopback" >&2; exit 5; }
free() { ! awk -v port=":$(printf '%04X' "$1")$" '$4 == "0A" && $2 ~ port { found = 1 } END { exit !found }' /proc/net/tcp /proc/net/tcp6 2>/dev/null; }
# nodes that lost the relay come back sooner if it has the port that they know
port=$(awk -v host="$host" '$3 == host { print $2; exit }' "$dir/at" 2>/dev/null)
n=0
until [ -n "$port" ] && free "$port"; do
  n=$((n + 1))
  [ "$n" -lt 100 ] || { echo "no free port was found on $host" >&2; exit 6; }
  port=$((20000 + (RANDOM * 32768 + RANDOM) % 40000))
done

# ---- listen
run=$dir/$host.$$
mkdir "$run" && cd "$run" && mkfifo in out words && printf 'scailfin-relay %s\n' "$key" >known || exit 1
machine >here || exit 1
feed='' drain=''
leave() {
  trap '' TERM INT HUP EXIT
  [ "$(cat "$run/mine" 2>/dev/null)" != "$(cat "$dir/at" 2>/dev/null)" ] || rm -f "$dir/at"
  # shellcheck disable=SC2046
  kill $feed $drain $(jobs -p) 2>/dev/null
  cd / && rm -rf "$run"
  exit "${1:-0}"
}
trap 'leave 0' TERM INT HUP EXIT
exec 3<&0 4>&1
cat <&3 >in 4>&- &
feed=$!
cat out >&4 3<&- &
drain=$!
exec 3<&- 4>&- </dev/null >/dev/null
forward=() at=
for a in $chosen; do forward+=(-L "$a:$port:pool:1") at="$at$a $port $host"$'\n'; done
unset SSH_AUTH_SOCK
# old versions do not know all options; none of the user's own settings count
ssh -F /dev/null -T -o IgnoreUnknown=UpdateHostKeys -o UpdateHostKeys=no -o BatchMode=yes -o ControlPath=none -o ControlMaster=no \
  -o StrictHostKeyChecking=yes -o UserKnownHostsFile=known -o GlobalKnownHostsFile=/dev/null -o HostKeyAlias=scailfin-relay -o CheckHostIP=no \
  -o PubkeyAuthentication=no -o PasswordAuthentication=no -o ExitOnForwardFailure=yes -o GatewayPorts=no -o LogLevel=ERROR \
  -o ServerAliveInterval=15 -o ServerAliveCountMax=4 -o ProxyCommand='cat in & exec cat >out' "${forward[@]}" relay@scailfin-relay \
  "${chosen// /:$port }:$port on $host" >words &
ssh=$!
{
  while IFS= read -r line; do
    [ "$line" = listening ] || continue
    # compute nodes look here, also after the relay has moved to another machine
    { printf '%s' "$at" >mine && cp mine "$dir/at.$$" && mv "$dir/at.$$" "$dir/at"; } </dev/null
  done
} <words
wait "$ssh"
leave $?
