# shellcheck shell=sh
# fork-cancel DIR TAG ID…: ends the jobs (ID or ID_N), first by SIGTERM, after 20 s by SIGKILL; gives up after 25 s
dir=$1 tag=$2
shift 2
pids() {
  grep -lzx "SCAILFIN_TAG=$tag" /proc/[0-9]*/environ 2>/dev/null | while read -r file; do
    job=$(tr '\0' '\n' 2>/dev/null <"$file" | sed -n 's/^SCAILFIN_JOB=//p')
    pid=${file#/proc/}
    pid=${pid%%/*}
    for id in "$@"; do
      case $job in "$id" | "${id}"_*) echo "$pid" ;; esac
    done
  done
}
for id in "$@"; do
  for j in "$dir/jobs/${id%%_*}"/[0-9]*; do
    case ${id}_ in *_*_) [ "${j##*/}" = "${id##*_}" ] || continue ;; esac
    [ -d "$j" ] && [ ! -e "$j/exit" ] && : >"$j/cancelled"
  done
done
for pid in $(pids "$@"); do
  # the glide-in itself ends HTCondor's daemons, in their order
  case $(cat "/proc/$pid/comm" 2>/dev/null) in condor_*) ;; *) kill -TERM "$pid" 2>/dev/null ;; esac
done
n=0
while [ -n "$(pids "$@")" ]; do
  n=$((n + 1))
  [ "$n" -lt 100 ] || { pids "$@" | xargs -r kill -KILL 2>/dev/null; }
  [ "$n" -lt 125 ] || { echo "processes survive: $(pids "$@" | tr '\n' ' ')" >&2; exit 1; }
  sleep 0.2
done
exit 0
