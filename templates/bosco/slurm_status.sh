#!/bin/bash
# shellcheck disable=SC2154  # blah.config sets these
# slurm_status.sh [-w] [-n] slurm/DATE/ID…: tells blahpd a job's state. It replaces HTCondor's own script, which caches
# its answers in /var/tmp for a minute and reports a job as ended when Slurm does not answer. Prints 0 and an ad with
# JobStatus (1 queued, 2 running, 4 ended), or 1 and the error if the query failed: unknown is not ended. A job that Slurm
# does not show keeps its last state, until it has been missing for $scailfin_silence seconds.
# shellcheck disable=SC1090
. "$BLAHPD_CONFIG_LOCATION"
export LC_ALL=C
[ -z "${scailfin_cluster:-}" ] || export SLURM_CLUSTERS=$scailfin_cluster
cache=$GAHP_TEMP/queue
# one query serves all jobs
refresh() {
  exec 9>>"$cache.lock"
  flock -w 30 9
  [ -z "$(find "$cache" -newermt '-8 seconds' 2>/dev/null)" ] || return 0
  squeue --noheader --states=all --user="$(id -un)" --name="$scailfin_tag" -o '%i %T' >"$cache.new" 2>"$cache.err" && mv "$cache.new" "$cache"
}
# asks about a job that is not in the list: it is too new, or Slurm has forgotten it
state_of() {
  local said
  said=$(squeue --noheader --states=all --jobs="$1" -o '%T' 2>&1) && { said=${said##*$'\n'} && echo "${said:-GONE}"; return 0; }
  case $said in *'Invalid job id'*) echo GONE ;; *) echo "$said" >&2; return 1 ;; esac
}
# for how many seconds Slurm has not shown a job
missing() {
  mkdir -p "$GAHP_TEMP/missing"
  [ -s "$GAHP_TEMP/missing/$1" ] || date +%s >"$GAHP_TEMP/missing/$1"
  echo "$(($(date +%s) - $(cat "$GAHP_TEMP/missing/$1")))"
}
refresh
for arg; do
  case $arg in -*) continue ;; esac
  id=${arg##*/}
  state=$(sed -n "s/^$id //p" "$cache" 2>/dev/null)
  [ -n "$state" ] || state=$(state_of "$id" 2>&1) || { echo "1Error: ${state//$'\n'/; }"; continue; }
  case $state in
    PENDING | CONFIGURING | REQUEUE*) n=1 ;;
    RUNNING | COMPLETING | SUSPENDED | STOPPED | SIGNALING | STAGE_OUT | RESIZING) n=2 ;;
    # in a federation, REVOKED means that another cluster runs it
    GONE | REVOKED) if [ "$(missing "$id")" -ge "${scailfin_silence:-120}" ]; then n=4; else n=$(cat "$GAHP_TEMP/known/$id" 2>/dev/null || echo 1); fi ;;
    *) n=4 ;;
  esac
  if [ "$state" != GONE ] && [ "$state" != REVOKED ]; then mkdir -p "$GAHP_TEMP/known" && echo "$n" >"$GAHP_TEMP/known/$id"; rm -f "$GAHP_TEMP/missing/$id"; fi
  code=
  [ "$n" != 4 ] || { case $state in COMPLETED | GONE) code=' ExitCode=0;' ;; *) code=' ExitCode=1;' ;; esac; }
  echo "0[BatchJobId=\"$id\"; JobStatus=$n;$code ]"
done
exit 0
