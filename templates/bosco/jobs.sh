# shellcheck shell=bash
# shellcheck disable=SC2154  # blah.config sets these
# jobs.sh: what pbs_jobs.sh and lsf_jobs.sh have in common. They define
#   submit             submits the job's script, and prints its id as blahpd wants it
#   ask                writes ID STATE for each job to $cache; fails with words in $cache.err
#   state_of ID        prints the STATE of one job that is not there; GONE if the batch system does not know it
#   number STATE       prints 1 (queued), 2 (running), 4 (ended), or nothing if the state says none of these
#   is_nothing FILE    tells whether the words in FILE say that there is no such job any more, and nothing else
#   end ID, probe      cancel a job; ask whether the batch system is there
#   silence            for so many seconds, a job that is not shown may be there
# shellcheck disable=SC1090
. "$BLAHPD_CONFIG_LOCATION"
# shellcheck disable=SC1091
. "${BLAHPD_CONFIG_LOCATION%/*}/environment"
export LC_ALL=C
cache=$GAHP_TEMP/queue

# for how many seconds the batch system has not known a job
missing() {
  mkdir -p "$GAHP_TEMP/missing"
  [ -s "$GAHP_TEMP/missing/$1" ] || date +%s >"$GAHP_TEMP/missing/$1"
  echo "$(($(date +%s) - $(cat "$GAHP_TEMP/missing/$1")))"
}
why() { tr '\n' ';' <"$cache.err" | grep . || echo "the batch system did not answer in time"; }

# One query serves all jobs. A job that is not shown keeps its last state, until it has been missing for long enough.
status() {
  local arg id state n last
  exec 9>>"$cache.lock"
  flock -w 60 9
  [ -n "$(find "$cache" -newermt '-8 seconds' 2>/dev/null)" ] || ask || { echo "1Error: $(why)"; return; }
  for arg; do
    case $arg in -*) continue ;; esac
    id=${arg##*/}
    state=$(sed -n "s/^$id //p" "$cache")
    [ -n "$state" ] || state=$(state_of "$id") || { echo "1Error: $(why)"; continue; }
    last=$(cat "$GAHP_TEMP/known/$id" 2>/dev/null || echo 1)
    if [ "$state" = GONE ]; then
      n=$last
      [ "$(missing "$id")" -lt "${scailfin_silence:-$silence}" ] || n=4
    else
      n=$(number "$state")
      [ -n "$n" ] || n=$last
      mkdir -p "$GAHP_TEMP/known" && echo "$n" >"$GAHP_TEMP/known/$id"
      rm -f "$GAHP_TEMP/missing/$id"
    fi
    echo "0[BatchJobId=\"$id\"; JobStatus=$n;$([ "$n" != 4 ] || echo ' ExitCode=0;') ]"
  done
}

cancel() {
  local status=0
  end "${1##*/}" >"$GAHP_TEMP/cancel.$$" 2>&1 || status=$?
  if [ "$status" = 0 ] || is_nothing "$GAHP_TEMP/cancel.$$"; then echo ' 0 No\ error'; else echo " $status $(tr '\n' ';' <"$GAHP_TEMP/cancel.$$" | sed 's/ /\\ /g')"; fi
  rm -f "$GAHP_TEMP/cancel.$$"
}

# does what blahpd wants by the name SYSTEM_VERB by which it called the script
act() {
  local name=${0##*/}
  case ${name##*_} in
    submit.sh) submit ;;
    status.sh | status.py) status "$@" ;;
    cancel.sh) cancel "$@" ;;
    ping.sh) if probe >/dev/null 2>"$cache.err"; then echo '0 No error'; else echo "1 $(why)"; fi ;;
    *) exit 1 ;;
  esac
}
