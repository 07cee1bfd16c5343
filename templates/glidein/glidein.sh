#!/bin/bash
# shellcheck disable=SC2154  # the file settings sets these
# glidein.sh DIR [TOKEN]: brings the node it runs on into a cluster's pool until it is idle for too long, its time ends,
# or the headnode is gone. TOKEN is the file below DIR/tokens that belongs to its submission. The batch script sets
# $SCAILFIN_JOB (id in the batch system), $SCAILFIN_CORES and $SCAILFIN_MEMORY (MiB), as the batch system granted them.
# Exit status: 0 work done, 11 headnode unreachable, 12 payload unusable on this node, 13 HTCondor failed.
set -u
umask 077
export LC_ALL=C
began=$(date +%s)
dir=$1
id=${SCAILFIN_JOB:-$(hostname)-$$}
export SCAILFIN_JOB=$id
[ -r "$dir/settings" ] || { echo "$dir/settings is not there: the cluster was taken down before this glide-in started"; exit 0; }
# shellcheck disable=SC1091
. "$dir/settings"

logs=$dir/logs/$id
# one of several nodes of its job: they end together, see together.sh
nodes=${SCAILFIN_NODES:-1} alone=$idle
[ "$nodes" = 1 ] || { logs=$logs@$(hostname) alone=0; }
mkdir -p "$logs"
# a cluster that grows by itself starts any number of glide-ins: old logs are removed, so that they do not fill the shared
# home
find "$dir/logs" -mindepth 1 -maxdepth 1 ! -name "$id*" -mtime +2 -printf '%T@ %f\n' 2>/dev/null | sort -rn | tail -n +1000 | cut -d ' ' -f 2- |
  while IFS= read -r old; do rm -rf "${dir:?}/logs/$old"; done
say() { printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" | tee -a "$logs/glidein.log"; }
fail() { local code=$1; shift; say "failed: $*"; exit "$code"; }

# ---- can this node be part of the pool?
say "glide-in $id of cluster $cluster on $(hostname), $(uname -sr)"
[ "$(uname -m)" = "$payload_arch" ] || fail 12 "the payload is for $payload_arch, this node is $(uname -m)"
glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)
[ -n "$glibc" ] && [ "$(printf '%s\n%s\n' "$payload_glibc" "$glibc" | sort -V | head -n 1)" = "$payload_glibc" ] ||
  fail 12 "HTCondor's payload needs C library $payload_glibc or newer, this node has ${glibc:-none of GNU}"
[ -x "$payload/sbin/condor_master" ] || fail 12 "the payload is not at $payload"
reachable() { timeout 10 bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$address" "$port" 2>/dev/null; }
n=0
until reachable; do
  n=$((n + 1))
  [ "$n" -lt 6 ] || fail 11 "the headnode does not answer at $address port $port from this node"
  sleep 5
done

# ---- what the node gives
cores=${SCAILFIN_CORES:-$(nproc)}
total=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
# if the batch system does not say how much memory the job got, a share of the cores means the same share of the memory
all=$(nproc --all)
part=$((cores < all ? cores : all))
memory=${SCAILFIN_MEMORY:-$((total * part / all))}
[ "$memory" -gt 0 ] || memory=$total
# this trap holds until there is more to remove (leave, below). The job may be ended at any moment, so the directory's
# name is chosen before it is made
work=$(mktemp -u "${local_dir:-${TMPDIR:-/tmp}}/scailfin-$cluster-XXXXXXXX")
trap 'rm -rf "$work"; rmdir "${cache-}" 2>/dev/null' EXIT
trap 'exit 0' TERM INT HUP
mkdir -m 700 "$work" || fail 13 "no directory could be made in ${local_dir:-${TMPDIR:-/tmp}}"
mkdir -p "$work/run" "$work/lock" "$work/execute" "$work/tokens" "$work/spool"
chmod 755 "$work" "$work/execute"
# jobs that an older scailfin submitted name no token
token=$dir/token
[ $# -lt 2 ] || token=$dir/tokens/$2
cp "$token" "$work/tokens/glidein" && chmod 600 "$work/tokens/glidein" || fail 13 "the pool's token $token could not be copied"
# the pool accepts only names with the submission's id, and no more resources than were asked for:
# glidein-SUBMISSION-UNTIL-CORES-MEMORY
bearer=$(cut -d. -f2 "$work/tokens/glidein" | tr '_-' '/+' | base64 -d 2>/dev/null | sed -n 's/.*"sub" *: *"\([^"@]*\)@.*/\1/p')
submission='' most_cores=0 most_memory=0
case $bearer in glidein-*-*-*-*) IFS=- read -r _ submission _ most_cores most_memory < <(echo "$bearer") ;; esac
[ "$most_cores" = 0 ] || [ "$cores" -le "$most_cores" ] || cores=$most_cores
[ "$most_memory" = 0 ] || [ "$memory" -le "$most_memory" ] || memory=$most_memory
name=$id${submission:+.$submission}@$(hostname)

# ---- when it must be over: early enough to leave in order before the batch system ends it
margin=$((walltime / 10))
[ "$margin" -le 120 ] || margin=120
ends=$((began + walltime))
retire=$((ends - margin))

sed -e "s|@PAYLOAD@|$payload|g" -e "s|@WORK@|$work|g" -e "s|@LOGS@|$logs|g" -e "s|@ADDRESS@|$address|g" -e "s|@PORT@|$port|g" \
  -e "s|@TRUST_DOMAIN@|$trust_domain|g" -e "s|@CLUSTER@|$cluster|g" -e "s|@SITE@|$site|g" -e "s|@ID@|$id|g" -e "s|@IDLE@|$alone|g" \
  -e "s|@CORES@|$cores|g" -e "s|@MEMORY@|$memory|g" -e "s|@USER@|$(id -un)|g" -e "s|@ENDS@|$ends|g" -e "s|@RETIRE@|$retire|g" -e "s|@NAME@|$name|g" \
  "$dir/glidein.conf" >"$work/condor_config" || fail 13 "the configuration could not be written"
# holds images and large files for the steps of all glide-ins of this user's cluster on this node; the last one removes it
local=${local_dir:-${TMPDIR:-/tmp}}
cache=$local/scailfin-cache-$trust_domain-$(id -u)
# it must be ours and no link: anybody can make something with this name in /tmp
ours() { [ ! -L "$1" ] && [ -d "$1" ] && [ -O "$1" ]; }
{ mkdir -p "$cache" && ours "$cache" && command -v flock; } >/dev/null 2>&1 || cache=$work/cache
jobs_know="SCAILFIN_CACHE='$cache' SCAILFIN_RUNTIMES='$runtimes' SCAILFIN_LAUNCHER='$step_launcher'"
jobs_know="$jobs_know SCAILFIN_CHIRP='$payload/libexec/condor_chirp'"
# the proxy is renewed in place while jobs run
[ ! -f "$dir/x509up" ] || jobs_know="$jobs_know X509_USER_PROXY='$dir/x509up'"
echo "STARTER_JOB_ENVIRONMENT = \"$jobs_know\"" >>"$work/condor_config"
[ "$gpus" = 0 ] || echo 'use feature : GPUs' >>"$work/condor_config"

# ---- leave nothing behind, however it ends
master=
nap=
# prints the pids of this user's processes whose environment has a line equal to (-F) or beginning with (-E) the argument
marked() { grep "-lzx$1" "$2" /proc/[0-9]*/environ 2>/dev/null | sed 's|/proc/\([0-9]*\)/.*|\1|' | grep -vx "$$"; }
condors() { for p in $(marked F "SCAILFIN_JOB=$id"); do case $(cat "/proc/$p/comm" 2>/dev/null) in condor_*) echo "$p" ;; esac; done; }
starters() { for p in $(condors); do [ "$(cat "/proc/$p/comm" 2>/dev/null)" = condor_starter ] && return 0; done; return 1; }
# HTCondor marks everything that its daemons start, also jobs
jobs_of_ours() { [ -z "$master" ] || marked E "_CONDOR_ANCESTOR_$master=.*"; }
leave() {
  trap '' TERM INT HUP
  [ -z "$nap" ] || kill "$nap" 2>/dev/null
  [ -z "$master" ] || kill -QUIT "$master" 2>/dev/null
  local n=0
  # A starter tells its job's shadow that the job has to run elsewhere: it gets 10 s. The other daemons have nothing to lose.
  while [ -n "$(condors)$(jobs_of_ours)" ] && { [ "$n" -lt 8 ] || starters && [ "$n" -lt 40 ]; }; do
    n=$((n + 1))
    sleep 0.25
  done
  for p in $(condors) $(jobs_of_ours); do kill -KILL "$p" 2>/dev/null; done
  exec 8>&-
  drop "$cache"
  withdraw
  rm -rf "$work"
}
# the pool lets nobody withdraw an ad, so the glide-in overwrites its own ad: no more jobs are sent here
withdraw() {
  [ -n "$master" ] && [ -x "${payload:-}/sbin/condor_advertise" ] || return 0
  printf '%s\n' 'MyType = "Machine"' "Name = \"slot1@$name\"" "Machine = \"${name##*@}\"" 'MyAddress = "<127.0.0.1:0>"' \
    "ScailfinGlidein = \"$id\"" 'ScailfinLeft = true' 'Start = false' 'Requirements = false' 'SlotType = "Partitionable"' \
    'Cpus = 0' 'TotalSlotCpus = 0' 'Memory = 0' 'TotalSlotMemory = 0' >"$work/left" &&
    LD_LIBRARY_PATH=$payload/lib timeout 2 "$payload/sbin/condor_advertise" -tcp UPDATE_STARTD_AD "$work/left" >/dev/null 2>&1
}
# removes a cache that no glide-in uses. Images may have directories that even their owner can't write to
drop() {
  ours "$1" || return 0
  # a cache that was only just made is removed while it is empty
  [ -e "$1/held" ] || { rmdir "$1" 2>/dev/null; return 0; }
  (flock -n 8 && { chmod -R u+rwX "$1"; rm -rf "$1"; }) 8<"$1/held" 2>/dev/null
}
# Some batch systems kill this shell before it has cleaned up. When the shell above this one gets SIGTERM, Torque and PBS kill
# what is left of the job's session (pbs_mom, kill_job). Slurm kills all children of the job after KillWait (slurm.conf(5)).
# The keeper has its own session and is no child of the job, so neither finds it. It notices that its pipe from here has
# ended, and cleans up in our place
keep() {
  trap '' TERM INT HUP
  while read -r master; do told=$master; done
  master=$told
  leave
}
keeper="$(declare -f marked condors starters jobs_of_ours leave withdraw ours drop keep); id=\$1 work=\$2 cache=\$3 nap= told=; keep"
exec 9> >({ exec env -i PATH="$PATH" LC_ALL=C KEEPER="$keeper" setsid bash -c 'eval "$KEEPER"' keeper "$id" "$work" "$cache" <&7 7<&- >/dev/null 2>&1 & } 7<&0)
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
for old in "$local/scailfin-cache-"*"-$(id -u)"; do [ "$old" = "$cache" ] || drop "$old"; done

# ---- into the pool
# A batch system that is HTCondor itself sets _CONDOR_NAME variables in its jobs, and each would override NAME in our
# configuration. The ANCESTOR variables stay: the batch system finds by them what it started
for name in $(compgen -e | grep '^_CONDOR_'); do case $name in _CONDOR_ANCESTOR_*) ;; *) unset "$name" ;; esac; done
export CONDOR_CONFIG=$work/condor_config LD_LIBRARY_PATH=$payload/lib
"$payload/sbin/condor_master" -f >>"$logs/master.out" 2>&1 8>&- 9>&- &
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
  if grep -qs 'STARTD.*exited with status 0\|NOCLAIM\|DAEMON_SHUTDOWN' "$logs/MasterLog" "$logs/StartLog"; then why="it was idle for $idle s"; else
    say "failed: HTCondor's master ended with status $code"
    tail -n 3 "$logs/MasterLog" 2>/dev/null
    exit 13
  fi
fi
say "leaving: $why"
exit 0
