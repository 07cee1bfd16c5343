#!/bin/bash
# shellcheck disable=SC2034,SC2154,SC1091  # variables are shared with jobs.sh
# lsf_jobs.sh: submits, queries and cancels for blahpd at sites with LSF; blahpd calls it lsf_submit.sh, lsf_status.py,
# lsf_cancel.sh and lsf_ping.sh. HTCondor's own scripts would read LSF's event files, put the job into a wrapper, and throw away what
# it prints. A status is 0 and an ad with JobStatus (1 queued, 2 running, 4 ended), or 1 and the error if the query failed:
# unknown is not ended. LSF's commands wait for its daemons without end, so each has a limit.
silence=300
. "${0%/*}/jobs.sh"
unset BSUB_QUIET

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
# of what bjobs -w prints, JOBID USER STAT …
states() { awk '$1 ~ /^[0-9]+$/ { print $1, $3 }'; }
ask() { timeout 30 bjobs -a -w >"$cache.raw" 2>"$cache.err" || is_nothing "$cache.err" || return 1; states <"$cache.raw" >"$cache.new" && mv "$cache.new" "$cache"; }
state_of() {
  local said
  said=$(timeout 30 bjobs -a -w "$1" 2>"$cache.err") && { states <<<"$said" | sed -n "s/^$1 //p" | grep . || echo UNKWN; } && return
  is_nothing "$cache.err" && echo GONE
}
number() {
  case $1 in
    PEND | PSUSP | WAIT) echo 1 ;;
    RUN | USUSP | SSUSP | PROV) echo 2 ;;
    DONE | EXIT) echo 4 ;;
    # UNKWN: the node's daemon is away. ZOMBI: the job was given up while its node was away, and may run there
  esac
}
end() { timeout 60 bkill "$1"; }
probe() { timeout 30 bqueues; }

act "$@"
