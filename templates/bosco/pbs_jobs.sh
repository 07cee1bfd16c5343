#!/bin/bash
# shellcheck disable=SC2034,SC2154,SC1091  # variables are shared with jobs.sh
# pbs_jobs.sh: submits, queries and cancels for blahpd at sites with PBS or Torque; blahpd calls it pbs_submit.sh, pbs_status.py,
# pbs_cancel.sh and pbs_ping.sh. HTCondor's own scripts would put the job into a wrapper, keep their answers in /tmp, and report a
# job as ended that the server does not know at the moment. A status is 0 and an ad with JobStatus (1 queued, 2 running, 4
# ended), or 1 and the error if the query failed: unknown is not ended.
silence=60
. "${0%/*}/jobs.sh"

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
is_nothing() { grep -q . "$1" && ! grep -v '^ *$' "$1" | grep -qviE 'unknown job ?id|nonexistent job id|job has finished|Request invalid for state of job( MSG=.*(COMPLETE|EXITING)| +[0-9]| *$)'; }
# of what qstat -f prints
states() { awk '/^Job Id:/ { id = $3 ~ /\[/ ? "" : $3; sub(/[^0-9].*/, "", id) } $1 == "job_state" && $2 == "=" && id != "" { print id, $3 }'; }
ask() {
  local ids
  ids=$(timeout 60 qselect -u "$(id -un)" 2>"$cache.err") || return 1
  ids=$(grep '^[0-9]' <<<"$ids")
  : >"$cache.raw"
  # shellcheck disable=SC2086  # ids
  [ -z "$ids" ] || timeout 60 qstat -f $ids >"$cache.raw" 2>"$cache.err" || is_nothing "$cache.err" || return 1
  states <"$cache.raw" >"$cache.new" && mv "$cache.new" "$cache"
}
# asks about a job that is not in the list: it is too new, it has ended, or the server has forgotten it
state_of() {
  local said
  said=$(timeout 60 qstat -f "$1" 2>"$cache.err") && { states <<<"$said" | sed -n "s/^$1 //p" | grep . || echo U; } && return
  is_nothing "$cache.err" || return 1
  if grep -qi 'job has finished' "$cache.err"; then echo F; else echo GONE; fi
}
number() {
  case $1 in
    Q | W | T | H) echo 1 ;;
    R | E | B | S | U) echo 2 ;;
    C | F | X) echo 4 ;;
  esac
}
end() { timeout 60 qdel "$1"; }
probe() { timeout 60 qselect -u "$(id -un)"; }

act "$@"
