#!/bin/bash
# relay.sh DIR ADDRESS PORT PARENT: lets ADDRESS:PORT, a loopback address of this node, lead to the pool, through the relay of
# the site's login node. DIR/relay/at says where that is; DIR/relay/key and DIR/relay/known are the cluster's keys. It
# connects again whenever the connection was lost, as long as the process PARENT lives. If another glide-in of this user on
# this node leads there already, it takes over when that one ends. Its messages go to standard output.
set -u
export LC_ALL=C
dir=$1/relay address=$2 port=$3 parent=$4
me=$(id -u)
say() { printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*"; }
# hex VARIABLE ADDRESS PORT: sets it to the form that /proc/net/tcp has (proc_pid_net(5))
hex() { local a b c d; IFS=. read -r a b c d <<<"$2"; printf -v "$1" '%02X%02X%02X%02X:%04X' "$d" "$c" "$b" "$a" "$3"; }
pool=''
hex pool "$address" "$port"
orphaned=
# the glide-in's keeper takes leave in the place of one that was killed (leave.sh), and removes this file at last
alive() {
  kill -0 "$parent" 2>/dev/null && return
  : "${orphaned:=$SECONDS}"
  [ -e "${dir%/relay}/places/${SCAILFIN_RUN-}" ] && [ "$((SECONDS - orphaned))" -lt 20 ]
}
# prints the uid of the process that listens at the pool's address here, or at all addresses
listener() {
  local local_ state uid _
  while read -r _ local_ _ state _ _ _ uid _; do
    [ "$state" = 0A ] || continue
    case $local_ in "$pool" | "00000000:${pool#*:}" | "00000000000000000000000000000000:${pool#*:}") echo "$uid"; return ;; esac
  done < <(grep -h ":${pool#*:} " /proc/net/tcp /proc/net/tcp6 2>/dev/null)
}
# answer ADDRESS PORT…: says of each connection from there, on this node, to the pool's address, whether it is this user's. One look
# serves for all: another user may have made thousands.
answer() {
  local from n word local_ remote uid inode _
  local -a places=() hexes=() looked=()
  local -A owner=()
  places=("$@")
  for ((n = 0; n < $#; n += 2)); do
    hex from "${places[n]}" "${places[n + 1]}"
    hexes[n]=$from looked+=(-e "$from $pool ")
  done
  # a socket that its program has closed has no inode, and no owner either
  while read -r _ local_ remote _ _ _ _ uid _ inode _; do
    [ "$remote" != "$pool" ] || [ "$inode" = 0 ] || owner[$local_]=$uid
  done < <(grep -F "${looked[@]}" /proc/net/tcp)
  for ((n = 0; n < $#; n += 2)); do
    uid=${owner[${hexes[n]}]-} word=ours
    if [ -z "$uid" ]; then word=no # it was closed meanwhile
    elif [ "$uid" != "$me" ]; then
      word=no refused=$((refused + 1))
      # the log shall not fill the disk
      [ "$refused" -gt 100 ] || say "a connection from ${places[n]} port ${places[n + 1]} is refused: it belongs to the user with the id $uid"
    fi
    printf '%s %s %s\n' "${places[n]}" "${places[n + 1]}" "$word" >&"$to_ssh"
  done
}
# lead HOST PORT: connects, and serves until the connection ends; returns 1 if it never began
lead() {
  local begun=1 word status from number
  local -a asked=()
  coproc line {
    exec ssh -F /dev/null -T -p "$2" -i "$dir/key" -o IgnoreUnknown=UpdateHostKeys,IdentityAgent -o UpdateHostKeys=no -o IdentityAgent=none \
      -o IdentitiesOnly=yes -o BatchMode=yes -o ControlPath=none -o ControlMaster=no -o StrictHostKeyChecking=yes -o UserKnownHostsFile="\"$dir/known\"" \
      -o GlobalKnownHostsFile=/dev/null -o HostKeyAlias=scailfin-pool -o CheckHostIP=no -o PreferredAuthentications=publickey -o ExitOnForwardFailure=yes \
      -o GatewayPorts=no -o LogLevel=ERROR -o ConnectTimeout=10 -o ServerAliveInterval=15 -o ServerAliveCountMax=4 \
      -L "$address:$port:$address:$port" "node@$1" guard 2>&1
  }
  local ssh=${line_PID-} from_ssh to_ssh
  # bash forgets these as soon as ssh has ended
  { exec {from_ssh}<&"${line[0]-0}" {to_ssh}>&"${line[1]-1}"; } 2>/dev/null
  while alive; do
    # all questions that have come are answered together
    if [ "${#asked[@]}" -ge 500 ] || { [ "${#asked[@]}" -gt 0 ] && ! read -r -t 0 <&"$from_ssh"; }; then
      answer "${asked[@]}"
      asked=()
    fi
    IFS= read -r -t 1 word <&"$from_ssh"
    status=$?
    [ "$status" -le 128 ] || continue
    [ "$status" = 0 ] || break
    case $word in
      ready) begun=0; say "the relay at $1 port $2 leads to the pool" ;;
      '') ;;
      *[!0-9.\ ]*) say "ssh: $word" ;;
      *) read -r from number _ <<<"$word"; asked+=("$from" "$number") ;;
    esac
  done
  exec {from_ssh}<&- {to_ssh}>&-
  [ -z "$ssh" ] || { kill -KILL "$ssh"; wait "$ssh"; } 2>/dev/null
  [ "$begun" != 0 ] || say "the connection to the relay has ended"
  return "$begun"
}
command -v ssh >/dev/null || { say "this node has no ssh"; exit 1; }
# When a batch system ends a job, it may tell each process of it. The glide-in needs its way out for some seconds more, to tell
# the pool; ssh inherits that these signals are ignored. A write to an ssh that has just ended is no reason to end, either
trap '' TERM INT HUP PIPE
pause=1 told='' refused=0
while alive; do
  uid=$(listener)
  if [ -n "$uid" ]; then
    [ "$uid" = "$me" ] || [ "$told" = "$uid" ] || say "the user with the id $uid listens at $address port $port of this node"
    told=$uid pause=1
    sleep 1
    continue
  fi
  found=
  while read -r host number _; do
    [ -n "$number" ] || continue
    found=yes
    ! lead "$host" "$number" || { found=led pause=1 told=; break; }
  done < <(cat "$dir/at" 2>/dev/null)
  case $found in
    led) continue ;;
    '') why="the login node's relay is not there now" most=4 ;;
    yes) why='the relay could not be reached' most=16 ;;
  esac
  [ "$why" = "$told" ] || say "$why"
  told=$why
  for ((n = pause; n > 0; n--)); do ! alive || sleep 1; done
  [ "$pause" -ge "$most" ] && pause=$most || pause=$((pause * 2))
done
exit 0
