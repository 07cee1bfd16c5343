#!/bin/bash
# sge_status.sh [-w] [-n] sge/DATE/ID…: tells blahpd a job's state. It replaces HTCondor's own script, which needs Perl
# modules and reports a job as ended when Grid Engine does not answer. Prints 0 and an ad with JobStatus (1 queued, 2
# running, 4 ended), or 1 and the error if the query failed: unknown is not ended. A job that is not in the queue has ended if
# the accounting says so, or if both have not shown it for $scailfin_silence seconds; until then it keeps its last state.
# shellcheck disable=SC1090
. "$BLAHPD_CONFIG_LOCATION"
export LC_ALL=C
cache=$GAHP_TEMP/queue
ask() { qstat -u "$(id -un)" >"$cache.new" 2>"$cache.err" && mv "$cache.new" "$cache"; }
# one query serves all jobs
exec 9>>"$cache.lock"
flock -w 30 9
[ -n "$(find "$cache" -newermt '-8 seconds' 2>/dev/null)" ] || ask
told=$?
state_of() { awk -v id="$1" '$1 == id { print $5; exit }' "$cache"; }
# for how many seconds Grid Engine has not shown a job
missing() {
  mkdir -p "$GAHP_TEMP/missing"
  [ -s "$GAHP_TEMP/missing/$1" ] || date +%s >"$GAHP_TEMP/missing/$1"
  echo "$(($(date +%s) - $(cat "$GAHP_TEMP/missing/$1")))"
}
known() { mkdir -p "$GAHP_TEMP/known" && echo "$2" >"$GAHP_TEMP/known/$1"; rm -f "$GAHP_TEMP/missing/$1"; }
for arg; do
  case $arg in -*) continue ;; esac
  id=${arg##*/}
  state=
  [ "$told" != 0 ] || state=$(state_of "$id")
  # the job is too new for the list, or it has ended
  if [ -z "$state" ]; then
    ask || { echo "1Error: $(tr '\n' ';' <"$cache.err")"; continue; }
    state=$(state_of "$id")
  fi
  case $state in
    '')
      if [ "$(missing "$id")" -ge "${scailfin_silence:-75}" ] || timeout 20 qacct -j "$id" >/dev/null 2>&1; then
        echo "0[BatchJobId=\"$id\"; JobStatus=4; ExitCode=0; ]"
      else
        echo "0[BatchJobId=\"$id\"; JobStatus=$(cat "$GAHP_TEMP/known/$id" 2>/dev/null || echo 1); ]"
      fi
      ;;
    *w* | *E*) known "$id" 1; echo "0[BatchJobId=\"$id\"; JobStatus=1; ]" ;;
    *) known "$id" 2; echo "0[BatchJobId=\"$id\"; JobStatus=2; ]" ;;
  esac
done
exit 0
