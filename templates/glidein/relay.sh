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
# hex ADDRESS PORT: as /proc/net/tcp has it (proc_pid_net(5))
hex() { local a b c d; IFS=. read -r a b c d <<<"$1"; printf '%02X%02X%02X%02X:%04X' "$d" "$c" "$b" "$a" "$2"; }
pool=$(hex "$address" "$port")
orphaned=
# the glide-in's keeper takes leave in the place of one that was killed (leave.sh), and removes this file at last
alive() {
  kill -0 "$parent" 2>/dev/null && return
  : "${orphaned:=$SECONDS}"
  [ -e "${dir%/relay}/places/${SCAILFIN_RUN-}" ] && [ "$((SECONDS - orphaned))" -lt 20 ]
}
# prints the uid of the process that listens at the pool's address here
listener() {
  local local_ state uid _
  while read -r _ local_ _ state _ _ _ uid _; do
    [ "$state" != 0A ] || [ "$local_" != "$pool" ] || { echo "$uid"; return; }
  done </proc/net/tcp
}
# answer ADDRESS PORT: says whether the connection from there, on this node, to the pool's address is this user's
answer() {
  local from uid word=no local_ remote state _
  from=$(hex "$1" "$2") || return
  while read -r _ local_ remote state _ _ _ uid _; do
    [ "$remote" = "$pool" ] && [ "$local_" = "$from" ] || continue
    if [ "$uid" = "$me" ]; then word=ours
    # a connection that was closed meanwhile is nobody's
    elif [ "$state" = 01 ]; then say "a connection from $1 port $2 belongs to the user with the id $uid: it is refused"; fi
    break
    # bash goes back in a file after each line, and would miss lines of this one, which changes meanwhile
  done < <(cat /proc/net/tcp)
  printf '%s %s %s\n' "$1" "$2" "$word" >&"$to_ssh"
}
# lead HOST PORT: connects, and serves until the connection ends; returns 1 if it never began
lead() {
  local begun=1 word status from number
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
    IFS= read -r -t 1 word <&"$from_ssh"
    status=$?
    [ "$status" -le 128 ] || continue
    [ "$status" = 0 ] || break
    case $word in
      ready) begun=0; say "the relay at $1 port $2 leads to the pool" ;;
      '') ;;
      *[!0-9.\ ]*) say "ssh: $word" ;;
      *) read -r from number _ <<<"$word"; answer "$from" "$number" ;;
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
pause=1 told=
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
