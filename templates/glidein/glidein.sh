#!/bin/bash
# shellcheck disable=SC2154  # the file settings sets these
# glidein.sh DIR [TOKEN]: brings the node it runs on into a cluster's pool until it is idle for too long, its time ends,
# or the headnode is gone. TOKEN is the file below DIR/tokens that belongs to its submission. The batch script sets
# $SCAILFIN_JOB (id in the batch system), $SCAILFIN_CORES and $SCAILFIN_MEMORY (MiB), as the batch system granted them.
# Exit status: 0 work done, 11 headnode unreachable, 12 payload unusable on this node, 13 HTCondor failed, 14 the node did
# not pass a check. Unless it is 0 or 13, DIR/refused has the reason.

# ---- an environment of its own
# The batch system may pass on anything: start-up files for every shell (BASH_ENV), functions in place of commands, shell
# options, libraries for every program (LD_PRELOAD), or no HOME. So the script starts once more, with the variables named
# here and no others. Batch systems find what they started by some of them
if [ "${1-}" != --run ]; then
  set +e +u
  PATH=${PATH:+$PATH:}/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
  for name in $(compgen -A function); do unset -f "$name"; done
  dir=$1 node=$(hostname 2>/dev/null || uname -n) keep=()
  for name in $(compgen -e); do
    case $name in
      TMPDIR | SCRATCH | TZ | http_proxy | https_proxy | no_proxy | HTTP_PROXY | HTTPS_PROXY | NO_PROXY | KRB5CCNAME | SCAILFIN_* | _CONDOR_ANCESTOR_* | *_VISIBLE_DEVICES | GPU_DEVICE_ORDINAL | SLURM_JOB_START_TIME)
        keep+=("$name=${!name}") ;;
    esac
  done
  # the profile names the site's proxy, if the job's environment does not
  # shellcheck disable=SC1091
  { read -r proxy && read -r direct; } < <(. "$dir/settings" >/dev/null 2>&1 && printf '%s\n' "${web_proxy-}" "${web_direct-}")
  if [ -n "$proxy" ] && [ -z "${http_proxy-}${https_proxy-}${HTTP_PROXY-}${HTTPS_PROXY-}" ]; then
    keep+=("http_proxy=$proxy" "https_proxy=$proxy" "HTTP_PROXY=$proxy" "HTTPS_PROXY=$proxy" "no_proxy=$direct" "NO_PROXY=$direct")
  fi
  user=${USER:-$(id -un)} home=${HOME:-$(getent passwd "$(id -u)" 2>/dev/null | cut -d : -f 6)}
  HOME=${home:-/} USER=$user
  # the profile may name the directories for jobs and for images by variables that only this environment has
  # shellcheck disable=SC1091
  place=$(. "$dir/settings" >/dev/null 2>&1 && printf '%s' "${local_dir-}")
  # shellcheck disable=SC1091
  store=$(. "$dir/settings" >/dev/null 2>&1 && printf '%s' "${images-}")
  # prints a text with the values of this node's variables in the place of $NAME and ${NAME}, and runs nothing. Otherwise it
  # prints the name of a variable that is not set here
  filled() {
    local text=$1 out='' name pattern='^([^$]*)[$][{]?([A-Z][A-Z0-9_]*)[}]?(.*)$'
    while [[ $text =~ $pattern ]]; do
      out+=${BASH_REMATCH[1]} name=${BASH_REMATCH[2]} text=${BASH_REMATCH[3]}
      [ -n "${!name-}" ] || { echo "$name"; return 1; }
      out+=${!name}
    done
    printf '%s\n' "$out$text"
  }
  # the paths that steps see are named by such variables, too; base64, because they may have any characters
  # shellcheck disable=SC1091
  shown=$(. "$dir/settings" >/dev/null 2>&1
    while IFS=$'\t' read -r mode source target; do
      [ -n "$mode" ] || continue
      there=$(filled "$source") || mode='unset'
      printf '%s\t%s\t%s\n' "$mode" "$there" "${target:-$there}"
    done <<<"${binds-}" | base64 | tr -d '\n')
  # A batch job may run again under the same id, even while a part of its first run is still there. Each run has a mark of
  # its own, and ends only what has that mark
  mark=$(od -An -N 4 -t x1 /dev/urandom | tr -d ' \n')
  exec env -i ${keep[@]+"${keep[@]}"} PATH="$PATH" HOME="$HOME" USER="$user" LOGNAME="$user" LC_ALL=C SCAILFIN_JOB="${SCAILFIN_JOB:-$node-$$}" \
    SCAILFIN_NODE_NAME="$node" SCAILFIN_PLACE="$place" SCAILFIN_SHOWN="$shown" SCAILFIN_STORE="$store" SCAILFIN_RUN="${node%%.*}-${mark:-$$}" bash --norc --noprofile "$0" --run "$@"
fi
shift
set -u
umask 077
began=$(date +%s)
dir=$1 id=$SCAILFIN_JOB run=$SCAILFIN_RUN node=$SCAILFIN_NODE_NAME
[ -r "$dir/settings" ] || { echo "$dir/settings is not there: the cluster was taken down before this glide-in started"; exit 0; }
set +u
# shellcheck disable=SC1091
. "$dir/settings"
# shellcheck disable=SC1091
. "$dir/check.sh"
# shellcheck disable=SC1091
. "$dir/leave.sh"
set -u

logs=$dir/logs/$id
# one of several nodes of its job: they end together, see together.sh
nodes=${SCAILFIN_NODES:-1} alone=$idle
[ "$nodes" = 1 ] || { logs=$logs@$node alone=0; }
# all runs of a batch job share one log; what HTCondor writes belongs to one run
own=$logs/$run
mkdir -p "$own"
# a cluster that grows by itself starts any number of glide-ins: old logs are removed, so that they do not fill the shared
# home
find "$dir/logs" -mindepth 1 -maxdepth 1 ! -name "$id*" -mtime +2 -printf '%T@ %f\n' 2>/dev/null | sort -rn | tail -n +1000 | cut -d ' ' -f 2- |
  while IFS= read -r old; do rm -rf "${dir:?}/logs/$old"; done
say() { printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" | tee -a "$logs/glidein.log" 2>/dev/null; }
fail() { local code=$1; shift; say "failed: $*"; exit "$code"; }
# refuse STATUS CHECK REASON…: this node can't be part of the pool. `up`, `status` and the headnode read why
refuse() {
  local code=$1 check=$2 reason
  shift 2
  say "failed: $*"
  reason=$(printf '%s' "$*" | tr -s '[:cntrl:]' ' ' | cut -c 1-500)
  mkdir "$dir/refused" 2>/dev/null
  { printf '%s\n' "job=$id" "node=$node" "at=$(date +%s)" "check=$check" "reason=$reason" >"$dir/refused/.$run" &&
    mv "$dir/refused/.$run" "$dir/refused/$run"; } 2>/dev/null
  exit "$code"
}

# ---- can this node be part of the pool?
say "glide-in $id of cluster $cluster on $node, $(uname -sr), run $run; $(containers)"
why=$(can_write "$own") || refuse 14 logs "$own: $why"
why=$(machine_fits "$payload_arch") || refuse 12 machine "$why"
why=$(library_fits "$payload_glibc") || refuse 12 library "$why"
[ -x "$payload/sbin/condor_master" ] || refuse 12 payload "the payload is not at $payload"
# jobs that an older scailfin submitted name no token
token=$dir/token
[ $# -lt 2 ] || token=$dir/tokens/$2
claims=$(cut -d . -f 2 "$token" 2>/dev/null | tr '_-' '/+' | base64 -d 2>/dev/null)
issued=$(printf '%s' "$claims" | sed -n 's/.*"iat" *: *\([0-9]*\).*/\1/p')
until=$(printf '%s' "$claims" | sed -n 's/.*"exp" *: *\([0-9]*\).*/\1/p')
why=$(clock_agrees "$began" "${issued:-0}" "${until:-0}" "${SLURM_JOB_START_TIME:-0}") || refuse 14 clock "$why"

# ---- a directory for jobs: the first one that can hold them
# this trap holds until there is more to remove (leave, below). The batch job may be ended at any moment, so where the
# directory will be is written down before it is made: `down` looks there if nobody removed it
work='' cache='' trace=$dir/places/$run
trap 'rm -rf "$work" && rm -f "$trace"; rmdir "$cache" 2>/dev/null' EXIT
trap 'exit 0' TERM INT HUP
mkdir "$dir/places" 2>/dev/null
# try PLACE: makes the directory there, or prints why it can't be there
try() {
  case $1 in *["\"'\\\$"]* | *[[:cntrl:]]*) echo 'its name has characters that HTCondor can not take'; return 1 ;; esac
  { printf '%s %s\n' "$node" "$work" >"$trace"; } 2>/dev/null
  mkdir -m 700 "$work" 2>/dev/null || { echo 'no directory can be made there'; return 1; }
  can_execute "$work" && has_room "$work"
}
tried='' why=''
for place in "$SCAILFIN_PLACE" "${TMPDIR-}" "${SCRATCH=}" /tmp "$dir"; do
  place=${place%/}
  case $place in /*) ;; *) continue ;; esac
  case $tried in *":$place:"*) continue ;; esac
  tried="$tried:$place:" work=$place/scailfin-$cluster-${run##*-}
  reason=$(try "$place") && break
  rm -rf "$work"
  work='' why="$why${why:+; }$place: $reason"
done
[ -n "$work" ] || refuse 14 place "no directory of this node can hold jobs: $why"
[ -z "$why" ] || say "jobs work in $place, because others can't hold them: $why"

# ---- the way to the pool
if [ -n "${relayed-}" ]; then
  command -v ssh >/dev/null || refuse 14 ssh "this node has no ssh, by which it would reach the login node's relay"
  lead() { bash --norc "$dir/relay.sh" "$dir" "$address" "$port" $$ </dev/null >>"$own/relay.log" 2>&1 8>&- 9>&- & relay=$!; }
  lead
fi
# whether the port there is this user's: another one may have taken it, and would hear what is meant for the pool
listens() {
  local a b c d
  IFS=. read -r a b c d <<<"$address"
  awk -v at="$(printf '%02X%02X%02X%02X:%04X' "$d" "$c" "$b" "$a" "$port")" -v me="$(id -u)" \
    '$2 == at && $4 == "0A" && $8 == me { found = 1 } END { exit !found }' /proc/net/tcp
}
reachable() { { [ -z "${relayed-}" ] || listens; } && timeout 10 bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$address" "$port" 2>/dev/null; }
n=0
until reachable; do
  n=$((n + 1))
  if [ "$n" -ge 6 ]; then
    [ -z "${relayed-}" ] || refuse 11 relay "the relay does not lead to the pool: $(tail -n 2 "$own/relay.log" | cut -d ' ' -f 2- | tr '\n' ';')"
    refuse 11 headnode "the headnode does not answer at $address port $port from this node"
  fi
  # a relay is there within moments
  if [ -n "${relayed-}" ] && [ "$n" = 1 ]; then for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do ! reachable || break; sleep 0.3; done; else sleep 5; fi
done

# ---- what the node gives
cores=${SCAILFIN_CORES:-$(nproc)}
total=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
# if the batch system does not say how much memory the job got, a share of the cores means the same share of the memory
all=$(nproc --all)
part=$((cores < all ? cores : all))
memory=${SCAILFIN_MEMORY:-$((total * part / all))}
[ "$memory" -gt 0 ] || memory=$total
# a job that uses more than this is killed, whatever was promised
limit=$(memory_limit '')
[ "$memory" -le "${limit:-$memory}" ] || { say "the node's control group allows $limit MiB of the $memory MiB that were promised"; memory=$limit; }
export TMPDIR=$work
mkdir -p "$work/run" "$work/lock" "$work/execute" "$work/tokens" "$work/spool"
chmod 755 "$work" "$work/execute"
cp "$token" "$work/tokens/glidein" && chmod 600 "$work/tokens/glidein" || fail 13 "the pool's token $token could not be copied"
# the pool accepts only names with the submission's id, and no more resources than were asked for:
# glidein-SUBMISSION-UNTIL-CORES-MEMORY
bearer=$(printf '%s' "$claims" | sed -n 's/.*"sub" *: *"\([^"@]*\)@.*/\1/p')
submission='' most_cores=0 most_memory=0
case $bearer in glidein-*-*-*-*) IFS=- read -r _ submission _ most_cores most_memory < <(echo "$bearer") ;; esac
[ "$most_cores" = 0 ] || [ "$cores" -le "$most_cores" ] || cores=$most_cores
[ "$most_memory" = 0 ] || [ "$memory" -le "$most_memory" ] || memory=$most_memory
name=$id${submission:+.$submission}@$node

# ---- when it must be over: early enough to leave in order before the batch system ends it
margin=$((walltime / 10))
[ "$margin" -le 120 ] || margin=120
if [ -n "$limited" ]; then
  # node-hours are limited: a job that runs again under its id has the rest of its first run's time
  [ -s "$logs/began" ] || echo "$began" >"$logs/began"
  read -r began <"$logs/began"
fi
ends=$((began + walltime))
retire=$((ends - margin))
[ "$(date +%s)" -lt "$retire" ] || fail 0 "its first run has used its time"

# entry_of UID: the account as in passwd(5), without password and comment; nothing if a word of a job's environment can't hold it
entry_of() {
  local account id group home shell
  IFS=: read -r account _ id group _ home shell < <(getent passwd "$1" 2>/dev/null) || return 0
  case $account$home$shell in *[!A-Za-z0-9/@._+=-]*) ;; *) echo "$account:x:$id:$group::$home:$shell" ;; esac
}
# for sed's replacements. The values are made here: bash can lose a signal that comes while a program's own command line is made
plain() { printf '%s' "$1" | sed 's/[\\&|]/\\&/g'; }
payload_is=$(plain "$payload")
work_is=$(plain "$work")
logs_is=$(plain "$own")
user=$(id -un)
sed -e "s|@PAYLOAD@|$payload_is|g" -e "s|@WORK@|$work_is|g" -e "s|@LOGS@|$logs_is|g" -e "s|@ADDRESS@|$address|g" -e "s|@PORT@|$port|g" \
  -e "s|@TRUST_DOMAIN@|$trust_domain|g" -e "s|@CLUSTER@|$cluster|g" -e "s|@SITE@|$site|g" -e "s|@ID@|$id|g" -e "s|@IDLE@|$alone|g" \
  -e "s|@CORES@|$cores|g" -e "s|@MEMORY@|$memory|g" -e "s|@USER@|$user|g" -e "s|@ENDS@|$ends|g" -e "s|@RETIRE@|$retire|g" -e "s|@NAME@|$name|g" \
  "$dir/glidein.conf" >"$work/condor_config" || fail 13 "the configuration could not be written"
# holds images and large files for the steps of all glide-ins of this user's cluster on this node; the last one removes it
cache=$place/scailfin-cache-$trust_domain-$(id -u)
# a directory that nodes share has one for each glide-in, because not every shared disk locks files across nodes
case $place in "$dir" | "${SCRATCH%/}") cache=$work/cache ;; esac
{ mkdir -p "$cache" && ours "$cache" && command -v flock; } >/dev/null 2>&1 || cache=$work/cache
jobs_know="SCAILFIN_CACHE='$cache' SCAILFIN_RUNTIMES='$runtimes' SCAILFIN_LAUNCHER='$step_launcher'"
jobs_know="$jobs_know SCAILFIN_IMAGES='${SCAILFIN_STORE:-$dir/images}' SCAILFIN_REGISTRIES='$dir/registries'"
jobs_know="$jobs_know SCAILFIN_POOL='$address:$port' SCAILFIN_CHIRP='$payload/libexec/condor_chirp'"
# each step would ask for it again
entry=$(entry_of "$(id -u)")
[ -z "$entry" ] || jobs_know="$jobs_know SCAILFIN_ACCOUNT='$entry'"
# many sites let their nodes out only through a proxy, which the batch job's environment names, and HTCondor's jobs would not
# know. A value with other characters could end the word that it is in
for variable in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
  case ${!variable-} in '' | *[!A-Za-z0-9:/@._,*%+~=-]*) ;; *) jobs_know="$jobs_know $variable='${!variable}'" ;; esac
done
jobs_know="$jobs_know SCAILFIN_BINDS='$SCAILFIN_SHOWN'"
# the proxy is renewed in place while jobs run
[ ! -f "$dir/x509up" ] || jobs_know="$jobs_know X509_USER_PROXY='$dir/x509up'"
echo "STARTER_JOB_ENVIRONMENT = \"$jobs_know\"" >>"$work/condor_config"
[ "$gpus" = 0 ] || echo 'use feature : GPUs' >>"$work/condor_config"

# ---- leave nothing behind, however it ends
master=
nap=
keeper="$(declare -f marked comm_of condors starters jobs_of_ours leave succeeded withdraw ours drop keep); id=\$1 run=\$2 work=\$3 cache=\$4 trace=\$5 nap= told=; keep"
exec 9> >({ exec env -i PATH="$PATH" LC_ALL=C KEEPER="$keeper" setsid bash -c 'eval "$KEEPER"' keeper "$id" "$run" "$work" "$cache" "$trace" <&7 7<&- >/dev/null 2>&1 & } 7<&0)
tell() { (echo "$1" >&9) 2>/dev/null; }
why='its batch job was ended'
trap 'leave; tell ""' EXIT
trap 'say "leaving: $why"; exit 0' TERM INT HUP

# the cache is held by a lock, which ends with this process. A glide-in that starts while the last one leaves makes the
# cache again
for _ in 1 2 3 4 5; do
  mkdir -p "$cache" && ours "$cache" && exec 8>>"$cache/held" && { flock -s 8 || :; } && [ "$cache/held" -ef /proc/self/fd/8 ] && break
done 2>/dev/null
# removes caches of clusters whose glide-ins were killed
for old in "$place/scailfin-cache-"*"-$(id -u)"; do [ "$old" = "$cache" ] || drop "$old"; done

# ---- into the pool
export CONDOR_CONFIG=$work/condor_config LD_LIBRARY_PATH=$payload/lib
"$payload/sbin/condor_master" -f >>"$own/master.out" 2>&1 8>&- 9>&- &
master=$!
tell "$master"
unset LD_LIBRARY_PATH
say "joining the pool at $address:$port with $cores cores and $memory MiB, until $(date -u -d "@$ends" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || echo "$ends")"

# shellcheck disable=SC1091
[ "$nodes" = 1 ] || . "$dir/together.sh"
silent=0
ticks=0
# seconds between two looks at whether it is still wanted, and a sixth of those between two at the headnode
look=${look:-5}
while kill -0 "$master" 2>/dev/null; do
  sleep "$look" 8>&- 9>&- &
  nap=$!
  wait "$nap" 2>/dev/null
  ticks=$((ticks + 1))
  [ -z "${relayed-}" ] || kill -0 "$relay" 2>/dev/null || lead
  if [ ! -e "$dir/settings" ]; then why='the cluster was taken down'; break; fi
  if [ "$(date +%s)" -ge "$retire" ]; then why='its walltime is nearly over'; break; fi
  if [ "$nodes" != 1 ] && idle_together; then why="no node of its job had work for $idle s"; break; fi
  if [ $((ticks % 6)) = 0 ]; then
    if reachable; then silent=0; else silent=$((silent + 6 * look)); fi
    if [ "$silent" -ge "$lost" ]; then why="the headnode has not answered for $silent s"; break; fi
  fi
done
if ! kill -0 "$master" 2>/dev/null; then
  wait "$master"
  code=$?
  if grep -qs 'No resources have been claimed for' "$own/StartLog" "$own/StartLog.old"; then why="it was idle for $idle s"; else
    # if the batch system ends all processes of the job, this shell may be the last one that it tells
    sleep 1
    say "failed: HTCondor's master ended with status $code"
    tail -n 3 "$own/MasterLog" 2>/dev/null
    exit 13
  fi
fi
say "leaving: $why"
exit 0
