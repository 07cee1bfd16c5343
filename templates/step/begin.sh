#!/bin/sh
# shellcheck disable=SC2034,SC2154  # the parts of this script use each other's variables, and those of step.env
# step.sh: runs one step of a workflow in the directory that HTCondor made for it. Beside it lie step.env (what to run),
# manifest (the list of its files) and small.tar (the small ones). It leaves changed.tar and report, and exits with the
# step's own status, or with 160 no container runtime works, 161 no image, 162 an input is missing, 163 output lost, 164
# launcher failed, 165 disk full, 166 anything else that is not the step's fault. If the report names no status of the
# step, the status is the wrapper's.
set -u
umask 022

# A node may run many steps at once, and a step may be short. So each program that is started counts: use the shell's builtins
# where possible.

# the processes of this step, wherever they are, are known by a variable; this shell needs it too
if [ -z "${SCAILFIN_STEP-}" ]; then
  read -r uuid </proc/sys/kernel/random/uuid
  SCAILFIN_STEP=$$.$uuid
  export SCAILFIN_STEP
  exec /bin/sh "$0" "$@"
fi
export LC_ALL=C
scratch=${_CONDOR_SCRATCH_DIR:-$PWD}
cd "$scratch" || exit 166
own=$scratch/.scailfin
tmp=$own/tmp
child='' facts='' clock='' phase='' began=''

# ---- what it reports

say() { printf 'scailfin: %s\n' "$*" >&2; }
note() { facts="$facts$1=$2
"; }
# one line of a program's output: the last one about an error, otherwise the last one; but not tar's line about previous
# errors
last_words() {
  { grep -iE 'error|fatal' "$1" | grep -v 'previous errors' || grep -v '^[[:space:]]*$\|previous errors' "$1"; } 2>/dev/null |
    tail -n 1 | tr -d '\r' | cut -c1-300
}
# phase NAME: the time from here on belongs to NAME; written in hundredths of seconds
phase() {
  read -r clock rest </proc/uptime
  clock=${clock%.*}${clock#*.}
  if [ -n "$phase" ]; then
    took=$((100 + clock - began))
    rest=${took%??}
    note "seconds_$phase" "$((rest - 1)).${took#"$rest"}"
  fi
  phase=$1 began=$clock
}
# fail STATUS WORDS…: ends the step here with this reason, with what to do about it, and with what was tried
hint='' attempts=''
fail() {
  status=$1
  shift
  say "$*"
  if [ -n "$hint" ]; then
    say "$hint"
    note hint "$hint"
  fi
  printf %s "$attempts" >&2
  note message "$(printf %s "$*" | tr '\n' ' ')"
  finish "$status"
}

# ---- the end

is_running() {
  stat=''
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null
  case ${stat##*) } in '' | Z* | X*) false ;; esac
}
# sets `left`, the pids that carry this step's mark. It must not run in a subshell, which would be counted as one of them
any_left() {
  left=''
  for pid in $(grep -lzxF "SCAILFIN_STEP=$SCAILFIN_STEP" /proc/[0-9]*/environ 2>/dev/null); do
    pid=${pid#/proc/} pid=${pid%/environ}
    if [ "$pid" != "$$" ] && is_running "$pid"; then left="$left $pid"; fi
  done
  [ -n "$left" ]
}
signal_left() { for pid in $left; do kill "-$1" "$pid" 2>/dev/null; done; }
# sends SIGTERM first, and SIGKILL after $1 tenths of a second
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
# holds DIR [PATH]: there is anything in it, except for PATH
holds() {
  for path in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    if [ -e "$path" ] || [ -L "$path" ]; then [ "$path" = "${2-}" ] || return 0; fi
  done
  return 1
}
remove() {
  for path; do
    [ -e "$path" ] || [ -L "$path" ] || continue
    rm -rf "$path" 2>/dev/null && continue
    # a link is removed, never followed
    [ -L "$path" ] || { chmod -R u+rwX "$path" && rm -rf "$path"; } 2>/dev/null
  done
}
# gives the space back that was reserved
release() { [ ! -e "$own/reserve" ] || : >"$own/reserve"; }
finish() {
  trap '' TERM INT HUP
  phase end
  end_all 20
  [ "${runtime-}" != podman-hpc ] || "$program" rm --force "scailfin-$SCAILFIN_STEP" >/dev/null 2>&1
  release
  printf '%s' "$facts" >report
  if [ -s "$own/gone" ]; then cat "$own/gone" >>report; fi
  [ -z "${store-}" ] || release_locks
  remove "${cache:-$own}"/tmp/*".$SCAILFIN_STEP" "$own"
  [ -e changed.tar ] || empty_archive >changed.tar
  exit "$1"
}
# the end of a tar archive is 1024 NULs
empty_archive() {
  n=0
  while [ "$n" -lt 64 ]; do
    n=$((n + 1))
    printf '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
  done
}
# called when HTCondor wants the node back, or the step is stopped
leave() {
  trap '' TERM INT HUP
  note message "it was ended by signal $1"
  end_all 100
  finish $((128 + $1))
}
trap 'leave 15' TERM
trap 'leave 2' INT
trap 'leave 1' HUP
# attend COMMAND…: waits for COMMAND in a way that a signal takes effect at once
attend() {
  "$@" &
  child=$!
  wait "$child"
  set -- $?
  child=''
  return "$1"
}

# ---- where it works

# free KiB on the file system of DIR
free_in() { df -Pk "$1" 2>/dev/null | awk 'NR == 2 { print $4 }'; }
is_full() { free=$(free_in "$1") && [ -n "$free" ] && [ "$free" -lt 1024 ]; }
is_about_space() { grep -qiE 'no space left|quota exceeded|file too large' "$1" 2>/dev/null; }

[ -r ./step.env ] && [ -r ./manifest ] || { echo 'scailfin: step.env and manifest did not arrive' >&2; exit 166; }
# shellcheck disable=SC1091
. ./step.env
[ -n "${workspace-}" ] && [ -n "${command_b64-}" ] || { echo 'scailfin: step.env does not say what to run where' >&2; exit 166; }
remove "$own"
umask 077
mkdir -p "$tmp/home" "$own/temp" && chmod 1777 "$tmp" || exit 166
umask 022
mkdir -p "$own/root$workspace" || exit 166
# reserve some space, so that the report can be written even when the disk is full
{ printf %262144s '' >"$own/reserve"; } 2>/dev/null
read -r node </proc/sys/kernel/hostname
note version 1
note node "$node"
