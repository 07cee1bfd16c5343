#!/bin/bash
# sge_status.sh [-w] [-n] sge/DATE/ID…: tells blahpd a job's state. It replaces HTCondor's own script, which needs Perl
# modules and reports a job as ended when Grid Engine does not answer. Prints 0 and an ad with JobStatus (1 queued, 2
# running, 4 ended), or 1 and the error if the query failed: unknown is not ended.
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
    '') echo "0[BatchJobId=\"$id\"; JobStatus=4; ExitCode=0; ]" ;;
    *w* | *E*) echo "0[BatchJobId=\"$id\"; JobStatus=1; ]" ;;
    *) echo "0[BatchJobId=\"$id\"; JobStatus=2; ]" ;;
  esac
done
exit 0
