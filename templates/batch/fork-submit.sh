# shellcheck shell=sh
# fork-submit DIR TAG COUNT WALLTIME LOGDIR <SCRIPT: starts COUNT processes that outlive this shell, and prints their job
# id (machine.sh is put before it)
set -eu
dir=$1 tag=$2 count=$3 walltime=$4 logs=$5
[ -d "$logs" ] && [ -w "$logs" ] || { echo "can't write in $logs" >&2; exit 1; }
id=$(date +%s)$$
job=$dir/jobs/$id
mkdir -p "$job"
cat >"$job/script"
# other machines may see these files, but not the processes
machine >"$job/machine"
n=1
while [ "$n" -le "$count" ]; do
  mkdir "$job/$n"
  # shellcheck disable=SC2016
  SCAILFIN_TAG=$tag SCAILFIN_JOB=${id}_$n setsid sh -c '
    # the job is recorded as soon as a process with its marker can be seen
    echo "$(date +%s) $2" >"$1/start.tmp" && mv "$1/start.tmp" "$1/start" || exit 1
    trap : TERM
    timeout -k 30 "$2" bash "$3" &
    child=$!
    wait "$child"; code=$?
    # a trapped TERM ends the first wait early, so wait again
    while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
    echo "$code" >"$1/exit.tmp" && mv "$1/exit.tmp" "$1/exit"
  ' sh "$job/$n" "$walltime" "$job/script" </dev/null >>"$logs/${id}_$n.out" 2>&1 &
  n=$((n + 1))
done
n=1 tries=0
while [ "$n" -le "$count" ]; do
  if [ -e "$job/$n/start" ]; then n=$((n + 1)); continue; fi
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || { echo "process $n of $count did not start" >&2; exit 1; }
  sleep 0.1
done
echo "$id"
