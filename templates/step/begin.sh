#!/bin/sh
# shellcheck disable=SC2034,SC2154  # the parts of this script use each other's variables, and those of step.env
# step.sh: runs one step of a workflow where HTCondor put it. Beside it lie step.env (what to run), manifest (what files it
# finds) and small.tar (the small ones). It leaves changed.tar and report, and ends with the step's own status, or with
# 160 no container runtime works, 161 no image, 162 an input is missing, 163 output lost, 164 launcher failed,
# 165 disk full, 166 anything else that is not the step's fault. A report that names no status of the step says whose it is.
set -u
umask 022

# processes of this step are known by a variable, wherever they went: this one too
if [ -z "${SCAILFIN_STEP-}" ]; then
  SCAILFIN_STEP=$$.$(date +%s%N)
  export SCAILFIN_STEP
  exec /bin/sh "$0" "$@"
fi
export LC_ALL=C
scratch=${_CONDOR_SCRATCH_DIR:-$PWD}
cd "$scratch" || exit 166
own=$scratch/.scailfin
tmp=$own/tmp
child='' facts='' clock='' phase='' began=''

# ---- what it tells

say() { printf 'scailfin: %s\n' "$*" >&2; }
note() { facts="$facts$1=$2
"; }
# one line of what a program said: the last that speaks of an error, else the last; not tar's that it gives up
last_words() {
  { grep -iE 'error|fatal' "$1" | grep -v 'previous errors' || grep -v '^[[:space:]]*$\|previous errors' "$1"; } 2>/dev/null |
    tail -n 1 | tr -d '\r' | cut -c1-300
}
milliseconds() { date +%s%3N; }
# phase NAME: from here on the time is NAME's
phase() {
  clock=$(milliseconds)
  if [ -n "$phase" ]; then note "seconds_$phase" "$(((clock - began) / 1000)).$(printf %03d $(((clock - began) % 1000)))"; fi
  phase=$1 began=$clock
}
# fail STATUS WORDS…: it ends here, and that is why
fail() {
  status=$1
  shift
  say "$*"
  note message "$(printf %s "$*" | tr '\n' ' ')"
  finish "$status"
}

# ---- how it ends

# pids that carry this step's mark, but for this shell
remaining() {
  grep -lzxF "SCAILFIN_STEP=$SCAILFIN_STEP" /proc/[0-9]*/environ 2>/dev/null | sed 's|/proc/\([0-9]*\)/.*|\1|' | grep -vx "$$"
}
is_running() { [ -r "/proc/$1/stat" ] && case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in '' | Z* | X*) false ;; esac; }
# sets `left`; here, and not in a shell of its own, which would be one of them
any_left() {
  left=''
  for pid in $(remaining); do if is_running "$pid"; then left="$left $pid"; fi; done
  [ -n "$left" ]
}
signal_left() { for pid in $left; do kill "-$1" "$pid" 2>/dev/null; done; }
# asked first, killed after $1 tenths of a second
end_all() {
  if [ -n "$child" ]; then kill -TERM "-$child" "$child" 2>/dev/null; fi
  any_left || return 0
  signal_left TERM
  n=0
  while any_left && [ "$n" -lt "$1" ]; do
    n=$((n + 1))
    sleep 0.1
  done
  signal_left KILL
}
remove() {
  for path; do
    rm -rf "$path" 2>/dev/null || { chmod -R u+rwX "$path" && rm -rf "$path"; } 2>/dev/null
  done
}
finish() {
  trap '' TERM INT HUP
  phase end
  end_all 20
  [ "${runtime-}" != podman-hpc ] || "$program" rm --force "scailfin-$SCAILFIN_STEP" >/dev/null 2>&1
  rm -f "$own/reserve"
  printf '%s' "$facts" >report
  cat "$own/gone" >>report 2>/dev/null
  remove "${cache:-$own}"/tmp/*".$SCAILFIN_STEP" "$own"
  [ -e changed.tar ] || tar -cf changed.tar -T /dev/null
  exit "$1"
}
# HTCondor wants the node back, or the step is stopped
leave() {
  trap '' TERM INT HUP
  note message "it was ended by signal $1"
  end_all 100
  finish $((128 + $1))
}
trap 'leave 15' TERM
trap 'leave 2' INT
trap 'leave 1' HUP
# attend COMMAND…: waits for it so that a signal is heeded at once
attend() {
  "$@" &
  child=$!
  wait "$child"
  set -- $?
  child=''
  return "$1"
}

# ---- where it works

# KiB that are free where DIR is
free_in() { df -Pk "$1" 2>/dev/null | awk 'NR == 2 { print $4 }'; }
is_full() { free=$(free_in "$1") && [ -n "$free" ] && [ "$free" -lt 1024 ]; }
is_about_space() { grep -qiE 'no space left|quota exceeded|file too large' "$1" 2>/dev/null; }

[ -r ./step.env ] && [ -r ./manifest ] || { echo 'scailfin: step.env and manifest did not come along' >&2; exit 166; }
# shellcheck disable=SC1091
. ./step.env
[ -n "${workspace-}" ] && [ -n "${command_b64-}" ] || { echo 'scailfin: step.env does not say what to run where' >&2; exit 166; }
remove "$own"
mkdir -p "$tmp/home" || exit 166
chmod 700 "$own" && chmod 1777 "$tmp"
# on a full disk there is room for the report yet
dd if=/dev/zero of="$own/reserve" bs=65536 count=4 2>/dev/null
note version 1
note node "$(hostname)"
