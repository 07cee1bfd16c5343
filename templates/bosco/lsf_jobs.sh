#!/bin/bash
# shellcheck disable=SC2154  # blah.config sets these
# lsf_jobs.sh: submits, queries and cancels for blahpd at sites with LSF; blahpd calls it lsf_submit.sh, lsf_status.py,
# lsf_cancel.sh and lsf_ping.sh. HTCondor's own scripts would read LSF's event files, put the job into a wrapper, and throw away what
# it prints. A status is 0 and an ad with JobStatus (1 queued, 2 running, 4 ended), or 1 and the error if the query failed:
# unknown is not ended. A job that LSF does not show keeps its last state, until it has been missing for $scailfin_silence seconds.
# LSF's commands wait for its daemons without end, so each has a limit.
# shellcheck disable=SC1090
. "$BLAHPD_CONFIG_LOCATION"
# shellcheck disable=SC1091
. "${BLAHPD_CONFIG_LOCATION%/*}/environment"
export LC_ALL=C
unset BSUB_QUIET
cache=$GAHP_TEMP/queue
verb=${0##*_}

submit() {
  local said id
  # OpenLava knows no units of memory, and would read -rn as -r, its opposite
  said=$(case "$(timeout 20 bsub -V 2>&1 </dev/null)" in
    *[Oo]pen[Ll]ava*) sed -e '/^#BSUB -rn$/d' -e '/^#BSUB -R "rusage/s/\(mem=[0-9]*\)MB/\1/' ;;
    *) cat ;;
    esac <"${BLAHPD_CONFIG_LOCATION%/etc/*}/job" | timeout 120 bsub 2>&1)
  id=$(sed -n 's/^Job <\([0-9][0-9]*\)> is submitted to .*/\1/p' <<<"$said" | tail -n 1)
  [ -n "$id" ] || { echo "$said" >&2; exit 1; }
  echo "BLAHP_JOBID_PREFIXlsf/$(date +%Y%m%d)/$id"
}

# whether LSF's words say that it has no such job, and nothing else
is_nothing() { grep -q . "$1" && ! grep -v '^ *$' "$1" | grep -qviE '^No .*jobs? found|^Job <.*> is not found|No matching job found|already finished|is being (terminated|signaled)|Operation is in progress'; }
# one query serves all jobs: JOBID USER STAT …
ask() { timeout 30 bjobs -a -w >"$cache.new" 2>"$cache.err" || is_nothing "$cache.err" || return 1; mv "$cache.new" "$cache"; }
state_of() {
  local said
  said=$(timeout 30 bjobs -a -w "$1" 2>"$cache.err") && { awk -v id="$1" '$1 == id { print $3; exit }' <<<"$said" | grep . || echo UNKWN; } && return
  is_nothing "$cache.err" && echo GONE
}
# for how many seconds LSF has not shown a job
missing() {
  mkdir -p "$GAHP_TEMP/missing"
  [ -s "$GAHP_TEMP/missing/$1" ] || date +%s >"$GAHP_TEMP/missing/$1"
  echo "$(($(date +%s) - $(cat "$GAHP_TEMP/missing/$1")))"
}
why() { tr '\n' ';' <"$cache.err" | grep . || echo "LSF did not answer in time"; }
status() {
  local arg id state n last
  exec 9>>"$cache.lock"
  flock -w 60 9
  [ -n "$(find "$cache" -newermt '-8 seconds' 2>/dev/null)" ] || ask || { echo "1Error: $(why)"; return; }
  for arg; do
    case $arg in -*) continue ;; esac
    id=${arg##*/}
    state=$(awk -v id="$id" '$1 == id { print $3; exit }' "$cache")
    [ -n "$state" ] || state=$(state_of "$id") || { echo "1Error: $(why)"; continue; }
    last=$(cat "$GAHP_TEMP/known/$id" 2>/dev/null || echo 1)
    case $state in
      PEND | PSUSP | WAIT) n=1 ;;
      RUN | USUSP | SSUSP | PROV) n=2 ;;
      DONE | EXIT) n=4 ;;
      GONE) if [ "$(missing "$id")" -ge "${scailfin_silence:-300}" ]; then n=4; else n=$last; fi ;;
      # UNKWN: the node's daemon is away. ZOMBI: the job was given up while its node was away, and may run there
      *) n=$last ;;
    esac
    [ "$state" = GONE ] || { mkdir -p "$GAHP_TEMP/known" && echo "$n" >"$GAHP_TEMP/known/$id"; rm -f "$GAHP_TEMP/missing/$id"; }
    echo "0[BatchJobId=\"$id\"; JobStatus=$n;$([ "$n" != 4 ] || echo ' ExitCode=0;') ]"
  done
}

cancel() {
  local status=0
  timeout 60 bkill "${1##*/}" >"$GAHP_TEMP/cancel.$$" 2>&1 || status=$?
  if [ "$status" = 0 ] || is_nothing "$GAHP_TEMP/cancel.$$"; then echo ' 0 No\ error'; else echo " $status $(tr '\n' ';' <"$GAHP_TEMP/cancel.$$" | sed 's/ /\\ /g')"; fi
  rm -f "$GAHP_TEMP/cancel.$$"
}

ping() { if timeout 30 bqueues >/dev/null 2>"$cache.err"; then echo '0 No error'; else echo "1 $(why)"; fi; }

case $verb in
  submit.sh) submit ;;
  status.sh | status.py) status "$@" ;;
  cancel.sh) cancel "$@" ;;
  ping.sh) ping ;;
  *) exit 1 ;;
esac
exit 0
