#!/bin/bash
# shadows.sh: looks after running jobs that have lost their nodes; the pool's master starts this. It is in the pool's
# directory. HTCondor's shadow is the process on the headnode that looks after one running job.
#
# A job that finds its node again gets a new shadow. When a shadow's connection to the job breaks, it connects again, but then
# refuses the job's output: it has forgotten the key by which it knows the job's files
# (RemoteResource::disconnectClaimSock calls FileTransfer::stopServer; seen in 23.9.6). After five refusals, some 20 s, the job
# runs once more. A new shadow has a new key, and gives it to the job when it connects.
#
# New shadows come with a new schedd: told to end fast, a schedd leaves its jobs running, and the next one starts a shadow for
# each of them, which finds its job (HTCondor's manual, JobLeaseDuration). The pool's master starts it at once.
#
# A job whose glide-in has said that it left does not come back. Its shadow would wait for it until the end of its lease
# (condor_vacate_job makes no difference: RemoteResource::killStarter; seen in 23.9.6). A schedd whose shadow is killed puts the
# job back into the queue, and it runs elsewhere. The same is done if the glide-in's batch job is over, as the batch system says:
# a node that died says nothing. `run/ended` names such jobs: SITE, ID and when it was learned, between tabs.
set -u
umask 077
dir=${0%/*}
exec </dev/null >>"$dir/log/ShadowsLog" 2>&1
echo $$ >"$dir/run/shadows.pid"
# several connections break together
gather=3
# between two restarts; a job's output is refused for longer
rest=12
# a glide-in that is there would have sent its ad again meanwhile: two of its UPDATE_INTERVAL
silence=40

# uptime: sets `now` to seconds of a clock that nobody sets
uptime() { read -r now _ </proc/uptime && now=${now%.*}; }
# runs NAME PID: tells whether the process is this pool's NAME; the pid may belong to another one by now
runs() {
  local name=
  { read -r name <"/proc/$2/comm"; } 2>/dev/null
  [ "$name" = "$1" ] && grep -qszxF "CONDOR_CONFIG=$dir/condor_config" "/proc/$2/environ"
}
is_needed() {
  local pid
  for pid in "${!stale[@]}"; do runs condor_shadow "$pid" && return; done
  return 1
}
# ends the shadows of jobs that wait for a glide-in which said, with its own token, that it left
release() {
  local left pid host
  left=$(timeout 5 condor_status -constraint 'ScailfinLeft =?= True' -af Name 2>/dev/null) || return
  for pid in "${!lost[@]}"; do
    runs condor_shadow "$pid" || { unset "lost[$pid]"; continue; }
    host=$(timeout 5 condor_q "${lost[$pid]}" -af RemoteHost 2>/dev/null)
    grep -qxF "slot1@${host#*@}" <<<"$left" || continue
    echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) the glide-in ${host#*@} left: job ${lost[$pid]} runs again"
    kill -KILL "$pid"
    unset "lost[$pid]"
  done
}
# prints SITE, ID, JOB and since when it runs there, of the jobs on glide-ins
placed() {
  local of='strcat(ClusterId, ".", ProcId)'
  timeout 20 condor_q -allusers -constraint 'JobStatus == 2 && MachineAttrScailfinGlidein0 =!= undefined' \
    -af:t MachineAttrScailfinSite0 MachineAttrScailfinGlidein0 "$of" JobCurrentStartDate 2>/dev/null
}
# ends the shadows of jobs whose glide-in's batch job is over. Batch systems may be wrong: a glide-in is there if the pool has
# heard from it since
bury() {
  local heard placed job at pid
  heard=$(timeout 5 condor_status -constraint 'ScailfinGlidein =!= undefined' -af:t ScailfinSite ScailfinGlidein LastHeardFrom 2>/dev/null) || return
  placed=$(placed) || return
  while read -r job; do
    for at in /proc/[0-9]*; do
      pid=${at#/proc/}
      runs condor_shadow "$pid" && grep -qzxF "$job" "$at/cmdline" || continue
      echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) the batch job of its glide-in is over: job $job runs again"
      kill -KILL "$pid"
      unset "lost[$pid]"
    done
  done < <(awk -F '\t' -v now="$(date +%s)" -v wait="$silence" 'FILENAME ~ /\/ended$/ { if ($3 + wait <= now) ended[$1, $2] = $3; next }
    FNR == 1 { part++ }
    part == 1 { if ($3 > heard[$1, $2]) heard[$1, $2] = $3; next }
    ($1, $2) in ended && $4 <= ended[$1, $2] && heard[$1, $2] <= ended[$1, $2] && $3 ~ /^[0-9]+\.[0-9]+$/ { print $3 }' \
    "$dir/run/ended" <(printf '%s\n' "${heard:--}") <(printf '%s\n' "$placed"))
}
renew() {
  local at
  for at in /proc/[0-9]*; do
    runs condor_schedd "${at#/proc/}" || continue
    echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) connections of running jobs broke (shadows ${!stale[*]}): the schedd is started again, and finds the jobs"
    kill -QUIT "${at#/proc/}"
  done
}

trap 'exit 0' TERM INT QUIT
trap : HUP
# also what was written while this was not running. tail looks by itself whether this process lives
exec 3< <(tail --pid=$$ -s 5 -n 5000 -F "$dir/log/shadow/ShadowLog" 2>/dev/null |
  grep --line-buffered -E ' was ACCEPTED$|: Reconnect SUCCESS|EXITING WITH STATUS|locate disconnected starter')
PATH=$(sed -n 's/^BIN = //p' "$dir/found.config"):$PATH
# of each shadow, by its pid: `met` if it has spoken with its job's node, `stale` if it has done so on another connection before;
# `lost` is the job of one that looks for its node
met=() stale=() lost=() due='' last=-$rest asked=0 buried=0
while :; do
  uptime
  if [ -n "$due" ] && [ "$now" -ge "$due" ]; then
    if is_needed; then
      renew
      last=$now
    fi
    met=() stale=() due=''
  fi
  # an ad that is not sent again stays for a minute (CLASSAD_LIFETIME)
  if [ "${#lost[@]}" -gt 0 ] && [ $((now - asked)) -ge 10 ]; then
    release
    asked=$now
  fi
  # for as long as a job's lease may last, and a little longer
  if [ $((now - buried)) -ge 20 ] && [ -n "$(find "$dir/run/ended" -mmin -30 2>/dev/null)" ]; then
    bury
    buried=$now
  fi
  line=
  read -r -t $((due ? (due > now ? due - now : 1) : 10)) line <&3
  status=$?
  # nobody is left who would end it, or who tells it what shadows say
  read -r _ _ _ parent _ </proc/$$/stat
  [ "$parent" = "$PPID" ] && { [ "$status" = 0 ] || [ "$status" -gt 128 ]; } || exit 1
  # DATE TIME (JOB) (PID): TEXT
  [[ $line =~ ^[^\ ]+\ [^\ ]+\ \(([0-9.]+)\)\ \(([0-9]{1,9})\):\ (.*)$ ]] || continue
  job=${BASH_REMATCH[1]} pid=${BASH_REMATCH[2]} text=${BASH_REMATCH[3]}
  case $text in
    *'locate disconnected starter') lost[pid]=$job; continue ;;
    *) unset "lost[$pid]" ;;
  esac
  case $text in
    *'EXITING WITH STATUS'*) unset "met[$pid]" "stale[$pid]" ;;
    *'was ACCEPTED') met[pid]=1 ;;
    *) if [ -z "${met[pid]-}" ]; then met[pid]=1; else
      stale[pid]=1
      uptime
      [ -n "$due" ] || due=$((last + rest > now + gather ? last + rest : now + gather))
    fi ;;
  esac
done
