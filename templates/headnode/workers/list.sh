# shellcheck shell=bash
# workers-list DIR NAME PORT: prints worker=NUMBER STATUS WHERE [REASON] for each worker of the framework NAME, as HTCondor has them
# (https://htcondor.readthedocs.io, JobStatus), wire=alive or wire=dead, and manager=own, other or none: whose program listens on PORT
set -u
export LC_ALL=C
dir=$1 name=$2 port=$3
# proc_pid_net(5)
case $(awk -v port=":$(printf '%04X' "$port")$" '$4 == "0A" && $2 ~ port { print $8 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null | sort -u) in
  '') echo 'manager=none' ;;
  "$(id -u)") echo 'manager=own' ;;
  *) echo 'manager=other' ;;
esac
for variable in "${!_CONDOR_@}"; do unset "$variable"; done
export CONDOR_CONFIG=$dir/condor_config
PATH=$(sed -n 's/^BIN = //p' "$dir/found.config"):$PATH
pid=$(cat "$dir/wire/wire.pid" 2>/dev/null)
if [ -n "$pid" ] && grep -qszxF "$dir/wire/head.py" "/proc/$pid/cmdline"; then echo 'wire=alive'; else echo 'wire=dead'; fi
jobs=$(timeout 30 condor_q -constraint "ScailfinWorker == \"$name\" && JobStatus != 3" \
  -af ScailfinWorkerNumber 'ifThenElse(JobStatus == 5 && HoldReasonSubCode =?= 66, 66, JobStatus)' 'split(RemoteHost ?: "-", "@")[size(split(RemoteHost ?: "-", "@")) - 1]' 'HoldReason ?: ""') || exit 0
echo 'asked=yes'
sort -n <<<"$jobs" | while read -r number rest; do [ -z "$number" ] || echo "worker=$number $rest"; done
# what the worker itself said last, of those that are held. A hostile node may have put anything there: a pipe, a link, a long line
sort -n <<<"$jobs" | while read -r number status _; do
  [ "$status" = 5 ] || continue
  for file in "$dir/workers/$name/$number/job/err" "$dir/workers/$name/$number/job/out"; do
    [ -f "$file" ] && [ ! -L "$file" ] || continue
    text=$(timeout 5 tail -c 2000 "$file" | grep -av '^[[:space:]]*$' | tail -n 1 | cut -c 1-300 | base64 -w 0)
    [ -z "$text" ] || { echo "said=$number $text"; break; }
  done
done
