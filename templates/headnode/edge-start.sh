# shellcheck shell=bash
# edge-start DIR: lets the pool's master run the edge, or restart it if its files changed. DIR/edge.config names
# DIR/edge/run.sh; program and settings are below DIR/edge. Prints port=PORT; exits with 9 and the end of its log if it
# does not answer.
set -u
umask 077
dir=$1
export LC_ALL=C
edge=$dir/edge
port=$(cat "$edge/port") || exit 9
mkdir -p "$edge/log"
# the process that answers on the port belongs to this user (proc_pid_net(5)), not to another user who took the port
ours() { [ "$(awk -v port=":$(printf '%04X' "$port")$" '$4 == "0A" && $2 ~ port { print $8; exit }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)" = "$(id -u)" ]; }
kept() { for f in /proc/[0-9]*; do runs run.sh "${f#/proc/}" && [ "$(sed 's/^.*) //; s/ .*//' "$f/stat" 2>/dev/null)" != Z ] && return 0; done; return 1; }
answers() { ours && (exec 3<>"/dev/tcp/127.0.0.1/$port" && printf 'GET /api/ping HTTP/1.0\r\n\r\n' >&3 && read -r -t 5 line <&3 && case $line in *' 200 '*) ;; *) false ;; esac) 2>/dev/null; }
# runs WHAT PID: tells whether the process is WHAT; the pid may belong to another process by now
runs() { [ -n "$2" ] && tr '\0' ' ' <"/proc/$2/cmdline" 2>/dev/null | grep -qF "$edge/$1"; }
old=$(cat "$edge/edge.pid" 2>/dev/null)
n=0
while runs program/dist/edge.mjs "$old" && [ "$n" -lt 60 ]; do
  case $n in
    0) kill "$old" ;;
    # it hangs, or was stopped
    50) kill -KILL "$old" ;;
  esac
  n=$((n + 1))
  sleep 0.1
done
# the master reads its configuration again
kill -HUP "$(cat "$dir/run/master.pid")" || exit 9
n=0
until answers; do
  n=$((n + 1))
  [ "$n" -lt 300 ] || { tail -n 5 "$edge/log/edge.out" >&2; exit 9; }
  # a master that believes the edge to be running does not start it
  [ "$n" != 150 ] || kept || (CONDOR_CONFIG=$dir/condor_config setsid /bin/sh "$edge/run.sh" </dev/null >/dev/null 2>&1 &)
  sleep 0.1
done
echo "port=$port"
