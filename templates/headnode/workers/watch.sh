#!/bin/bash
# workers-watch: sends the workers of a framework away when nobody has used it for a time, so that they keep no nodes, and has them come
# back as soon as somebody does. The pool's master starts this, and ends it with the pool. It is in DIR/workers, and DIR is the pool's directory.
#
# DIR/workers/NAME/idle says after how many seconds (0: never), and how one sees that somebody uses the framework: `listener`, when a
# program of this user listens on its port, or `file`, when its manager has written `yes` into run/need less than a minute ago.
# Workers that are away are held jobs with the subcode 66. `used` has the time at which the framework was needed last, and `away` that at
# which they were sent away. `scailfin up` touches `used`.
set -u
umask 077
export LC_ALL=C
workers=$(cd "${0%/*}" && pwd) || exit 1
dir=${workers%/*}
for variable in "${!_CONDOR_@}"; do unset "$variable"; done
export CONDOR_CONFIG=$dir/condor_config
PATH=$(sed -n 's/^BIN = //p' "$dir/found.config"):$PATH
exec >>"$workers/watch.out" 2>&1 </dev/null
# the master says so when its configuration has changed
trap '' HUP
trap 'kill "$!" 2>/dev/null; exit 0' TERM INT QUIT

# needed HOME WAY
needed() {
  local port
  if [ "$2" = listener ]; then
    port=$(cat "$1/port") || return 0
    # it belongs to this user (proc_pid_net(5))
    awk -v port=":$(printf '%04X' "$port")$" -v uid="$(id -u)" '$4 == "0A" && $2 ~ port && $8 == uid { found = 1 } END { exit !found }' \
      /proc/net/tcp /proc/net/tcp6 2>/dev/null
  else
    # a manager that workers have taken over may have made a pipe or a link of it
    [ -f "$1/run/need" ] && [ ! -L "$1/run/need" ] && [ -n "$(find "$1/run/need" -mmin -1)" ] &&
      [ "$(timeout 2 head -c 3 "$1/run/need")" = yes ]
  fi
}

# none CONSTRAINT: the pool says that it has no such job; whether a command did all of it, its exit status does not say
none() { local jobs; jobs=$(timeout 60 condor_q -constraint "$1" -af ClusterId) && [ -z "$jobs" ]; }

while :; do
  sleep 3 &
  wait "$!"
  for file in "$workers"/*/idle; do
    [ -r "$file" ] && read -r limit way <"$file" || continue
    home=${file%/idle}
    [ -e "$home/used" ] || touch "$home/used"
    those="ScailfinWorker == \"${home##*/}\""
    is_needed=no
    if [ "$limit" = 0 ] || needed "$home" "$way"; then touch "$home/used" && is_needed=yes; fi
    if [ -e "$home/away" ] && [ "$home/used" -nt "$home/away" ]; then
      away="$those && JobStatus == 5 && HoldReasonSubCode == 66"
      timeout 60 condor_release -constraint "$away"
      none "$away" && rm -f "$home/away"
    elif [ ! -e "$home/away" ] && [ "$is_needed" = no ] && [ $(($(date +%s) - $(stat -c %Y "$home/used"))) -gt "$limit" ]; then
      here="$those && JobStatus != 3 && JobStatus != 5"
      timeout 60 condor_hold -subcode 66 -reason 'nobody uses the framework' -constraint "$here"
      none "$here" && touch "$home/away"
    fi
  done
  # what HTCondor said last is enough
  [ "$(stat -c %s "$workers/watch.out")" -lt 1000000 ] || : >"$workers/watch.out"
done
