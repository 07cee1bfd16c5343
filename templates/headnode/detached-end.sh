# shellcheck shell=bash
# detached_end STATE: ends the command that detach.sh started there, with all its children. If nothing runs, that is a
# success.
detached_end() {
  local state=$1 pid signal n
  [ -e "$state/lock" ] || return 0
  for signal in TERM KILL; do
    pid=$(cat "$state/pid" 2>/dev/null)
    # the pid may belong to another process by now
    if [ -n "$pid" ] && grep -qzxF "SCAILFIN_DETACHED=$state" "/proc/$pid/environ" 2>/dev/null; then kill "-$signal" -- "-$pid"; fi
    n=0
    while [ "$n" -lt 50 ]; do
      flock -n "$state/lock" true && return 0
      n=$((n + 1))
      sleep 0.1
    done
  done
  echo "process $pid on this machine does not end" >&2
  return 6
}
