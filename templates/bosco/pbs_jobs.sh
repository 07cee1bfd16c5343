#!/bin/bash
# shellcheck disable=SC2154  # blah.config sets these
# pbs_jobs.sh: submits, queries and cancels for blahpd at sites with PBS or Torque; blahpd calls it pbs_submit.sh, pbs_status.py,
# pbs_cancel.sh and pbs_ping.sh. HTCondor's own scripts would put the job into a wrapper, keep their answers in /tmp, and report a
# job as ended that the server does not know at the moment. A status is 0 and an ad with JobStatus (1 queued, 2 running, 4
# ended), or 1 and the error if the query failed: unknown is not ended. A job that the server does not know keeps its last
# state, until it has been missing for $scailfin_silence seconds.
# shellcheck disable=SC1090
. "$BLAHPD_CONFIG_LOCATION"
# shellcheck disable=SC1091
. "${BLAHPD_CONFIG_LOCATION%/*}/environment"
export LC_ALL=C
cache=$GAHP_TEMP/queue
verb=${0##*_}

submit() {
  local said id
  said=$(timeout 120 qsub <"${BLAHPD_CONFIG_LOCATION%/etc/*}/job" 2>"$GAHP_TEMP/submit.$$")
  local status=$?
  # a site's qsub may print more than the id
  id=$(sed -n 's/^\([0-9][0-9]*\)\(\.[A-Za-z0-9._-]*\)\{0,1\}$/\1/p' <<<"$said" | tail -n 1)
  if [ "$status" != 0 ] || [ -z "$id" ]; then
    cat "$GAHP_TEMP/submit.$$" >&2
    echo "$said" >&2
    id=
  fi
  rm -f "$GAHP_TEMP/submit.$$"
  [ -n "$id" ] || exit 1
  echo "BLAHP_JOBID_PREFIXpbs/$(date +%Y%m%d)/$id"
}

# whether the words of qstat or qdel are about a job that is over, and nothing else
is_over() { grep -q . "$1" && ! grep -v '^ *$' "$1" | grep -qviE 'unknown job ?id|nonexistent job id|job has finished|Request invalid for state of job( MSG=.*(COMPLETE|EXITING)| +[0-9]| *$)'; }
# what qstat -f prints, as ID STATE
states() { awk '/^Job Id:/ { id = $3 ~ /\[/ ? "" : $3; sub(/[^0-9].*/, "", id) } $1 == "job_state" && $2 == "=" && id != "" { print id, $3 }'; }
# one query serves all jobs
ask() {
  local ids
  ids=$(timeout 60 qselect -u "$(id -un)" 2>"$cache.err") || return 1
  ids=$(grep '^[0-9]' <<<"$ids")
  : >"$cache.raw"
  # shellcheck disable=SC2086  # ids
  [ -z "$ids" ] || timeout 60 qstat -f $ids >"$cache.raw" 2>"$cache.err" || is_over "$cache.err" || return 1
  states <"$cache.raw" >"$cache.new" && mv "$cache.new" "$cache"
}
# asks about a job that is not in the list: it is too new, it has ended, or the server has forgotten it
state_of() {
  local said
  said=$(timeout 60 qstat -f "$1" 2>"$cache.err") && { states <<<"$said" | grep . || echo U; } && return
  is_over "$cache.err" || return 1
  if grep -qi 'job has finished' "$cache.err"; then echo F; else echo GONE; fi
}
# for how many seconds the server has not known a job
missing() {
  mkdir -p "$GAHP_TEMP/missing"
  [ -s "$GAHP_TEMP/missing/$1" ] || date +%s >"$GAHP_TEMP/missing/$1"
  echo "$(($(date +%s) - $(cat "$GAHP_TEMP/missing/$1")))"
}
status() {
  local arg id state n last
  exec 9>>"$cache.lock"
  flock -w 60 9
  [ -n "$(find "$cache" -newermt '-8 seconds' 2>/dev/null)" ] || ask || { echo "1Error: $(tr '\n' ';' <"$cache.err")"; return; }
  for arg; do
    case $arg in -*) continue ;; esac
    id=${arg##*/}
    state=$(sed -n "s/^$id //p" "$cache")
    [ -n "$state" ] || state=$(state_of "$id") || { echo "1Error: $(tr '\n' ';' <"$cache.err")"; continue; }
    state=${state##* } last=$(cat "$GAHP_TEMP/known/$id" 2>/dev/null || echo 1)
    case $state in
      Q | W | T | H) n=1 ;;
      R | E | B | S | U) n=2 ;;
      C | F | X) n=4 ;;
      GONE) if [ "$(missing "$id")" -ge "${scailfin_silence:-60}" ]; then n=4; else n=$last; fi ;;
      *) n=$last ;;
    esac
    [ "$state" = GONE ] || { mkdir -p "$GAHP_TEMP/known" && echo "$n" >"$GAHP_TEMP/known/$id"; rm -f "$GAHP_TEMP/missing/$id"; }
    echo "0[BatchJobId=\"$id\"; JobStatus=$n;$([ "$n" != 4 ] || echo ' ExitCode=0;') ]"
  done
}

cancel() {
  local status=0
  timeout 60 qdel "${1##*/}" >"$GAHP_TEMP/cancel.$$" 2>&1 || status=$?
  if [ "$status" = 0 ] || is_over "$GAHP_TEMP/cancel.$$"; then echo ' 0 No\ error'; else echo " $status $(tr '\n' ';' <"$GAHP_TEMP/cancel.$$" | sed 's/ /\\ /g')"; fi
  rm -f "$GAHP_TEMP/cancel.$$"
}

ping() { if timeout 60 qselect -u "$(id -un)" >/dev/null 2>"$cache.err"; then echo '0 No error'; else echo "1 $(tr '\n' ';' <"$cache.err")"; fi; }

case $verb in
  submit.sh) submit ;;
  status.sh | status.py) status "$@" ;;
  cancel.sh) cancel "$@" ;;
  ping.sh) ping ;;
  *) exit 1 ;;
esac
exit 0
