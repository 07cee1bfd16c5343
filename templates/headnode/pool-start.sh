# shellcheck shell=bash
# pool-start DIR ADDRESS FIRST_PORT FENCE SOURCE SOURCE_ARG: starts the pool whose files are in DIR, or finds it running.
# Prints KEY=VALUE lines. Everything runs as the calling user. (site/machine.sh is put before it.)
set -u
umask 077
dir=$1 address=$2 first=$3 fenced=$4 source=$5 arg=$6
export LC_ALL=C
[ "$(id -u)" != 0 ] || { echo "the pool must be run by an ordinary user, not by root" >&2; exit 4; }
find_condor "$source" "$arg" || exit 5
export CONDOR_CONFIG=$dir/condor_config

running() { pool_keeper "$dir"; grep -lzxF "CONDOR_CONFIG=$CONDOR_CONFIG" /proc/[0-9]*/environ 2>/dev/null | while read -r f; do { read -r comm <"${f%/environ}/comm"; } 2>/dev/null && [ "$comm" = condor_master ] && echo yes; done; }
open() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
taken() { grep -qs "[Ff]ailed to bind\|Address already in use" "$dir/log/SharedPortLog" "$dir/log/MasterLog"; }
schedd() { timeout 20 "$CONDOR_BIN/condor_status" -schedd -af Name 2>>"$dir/log/start.err" | grep -q .; }

mkdir -p "$dir/run" "$dir/log/shadow" "$dir/spool" "$dir/execute" "$dir/lock" "$dir/keys" "$dir/tokens"
: >"$dir/log/start.err"
[ -s "$dir/keys/POOL" ] || { head -c 48 /dev/urandom | base64 | tr -d '\n' >"$dir/keys/POOL.new" && mv "$dir/keys/POOL.new" "$dir/keys/POOL"; }

# Requests of compute nodes are carried out behind a fence, if the kernel lets an ordinary user build one. FENCE is auto,
# required or off.
why='it is switched off (scailfin config get fence)'
wanted=$fenced fenced=no
if [ "$wanted" != off ]; then
  why=$(fence_build "$dir" 2>&1) && fenced=yes
  why=$(printf %s "$why" | tr '\n' ';')
  [ "$fenced" = yes ] || [ "$wanted" != required ] || { echo "on this machine no fence can be built between compute nodes and your files: $why" >&2; exit 10; }
fi

# shellcheck disable=SC2153
found() {
  own=$( (hostname -I || ip -o addr show) 2>/dev/null | tr ' /' '\n\n')
  echo "BIN = $CONDOR_BIN"
  echo "SBIN = $CONDOR_SBIN"
  echo "LIB = $CONDOR_LIB"
  echo "LIBEXEC = $CONDOR_LIBEXEC"
  echo "RELEASE_DIR = ${CONDOR_SBIN%/*}"
  echo "POOL_OWNER = $(id -un)"
  echo "POOL_ADDRESS = $address"
  echo "POOL_PORT = $1"
  if [ "$fenced" = yes ]; then
    echo "SHADOW = $dir/fence/shadow.sh"
    # a shadow that continued with another job would see that job's files, too
    echo "SHADOW_WORKLIFE = 0"
    # this refuses the plainest case at submission; the fence itself knows more such directories, under all their names
    echo "FENCE_REQUIREMENT = Directory"
    echo "SUBMIT_REQUIREMENT_Directory = JobUniverse =!= 5 || Iwd =!= \"$HOME\""
    echo 'SUBMIT_REQUIREMENT_Directory_REASON = "the compute node could read and write your whole home directory; submit the job from a directory of its own"'
  fi
  case $address in
    127.*) echo "NETWORK_INTERFACE = $address"; echo "BIND_ALL_INTERFACES = False" ;;
    *) if printf '%s\n' "$own" | grep -qxF "$address"; then echo "NETWORK_INTERFACE = $address"; else echo "TCP_FORWARDING_HOST = $address"; fi ;;
  esac
}

# the token by which the owner's commands and the daemons prove themselves, and check that they talk to this pool
own_token() {
  [ "$dir/tokens/owner" -nt "$dir/keys/POOL" ] && return
  "$CONDOR_BIN/condor_token_create" -identity "$(id -un)@$("$CONDOR_BIN/condor_config_val" TRUST_DOMAIN)" -key POOL \
    >"$dir/tokens.new" 2>>"$dir/log/start.err" && mv "$dir/tokens.new" "$dir/tokens/owner" || {
    echo "could not make a token for the pool's owner:" >&2
    tail -n 3 "$dir/log/start.err" >&2
    exit 9
  }
}

token_revoked "$dir" || exit 1
sum() { cat "$dir/condor_config" "$dir/glideins.config" "$dir/shadows.sh" | sha256sum; }
if [ -n "$(running)" ]; then
  own_token
  port=$(sed -n 's/^POOL_PORT = //p' "$dir/found.config")
  found "$port" >"$dir/found.new"
  if ! cmp -s "$dir/found.new" "$dir/found.config" || ! schedd; then
    # another address, other programs, or a pool that no longer answers
    pool_stop "$dir" || exit 6
  elif [ "$(sum)" != "$(cat "$dir/run/config.sum" 2>/dev/null)" ]; then
    # the configuration of another scailfin: settings that can change in a running pool are changed. The master tells its daemons;
    # not every one of them can be found in the collector at any time. It starts programs that are new, and those that ended
    pid=$(cat "$dir/run/shadows.pid" 2>/dev/null)
    [ -z "$pid" ] || ! grep -qszF "$dir/shadows.sh" "/proc/$pid/cmdline" || kill "$pid"
    kill -HUP "$(cat "$dir/run/master.pid")" || exit 6
  fi
fi
# other machines may see these files, but not the processes: before anything is started, it is written down where
machine >"$dir/machine.new" && mv "$dir/machine.new" "$dir/machine" || exit 1
if [ -z "$(running)" ]; then
  # daemons whose master has died go on for a while, and hold the port that the glide-ins know
  pool_stop "$dir" || exit 6
  port=$(sed -n 's/^POOL_PORT = //p' "$dir/found.config" 2>/dev/null)
  tries=0
  while :; do
    [ -n "$port" ] || port=$first
    while open "$port"; do
      port=$((port + 1))
      [ "$port" -lt $((first + 100)) ] || { echo "all ports from $first to $((first + 99)) are taken here" >&2; exit 7; }
    done
    found "$port" >"$dir/found.config"
    own_token
    setsid bash "$dir/pool-keep.sh" "$dir" "$CONDOR_SBIN/condor_master" </dev/null >>"$dir/log/start.err" 2>&1 &
    n=0
    until open "$port" && schedd; do
      n=$((n + 1))
      [ "$n" -lt 300 ] && { [ "$n" -lt 20 ] || [ -n "$(running)" ]; } && ! taken || break
      sleep 0.1
    done
    schedd && break
    # another user took the port between our check and HTCondor's start
    taken && tries=$((tries + 1)) || tries=3
    pool_stop "$dir" || exit 6
    [ "$tries" -lt 3 ] || {
      echo "HTCondor's pool did not come up; its logs said:" >&2
      tail -n 5 "$dir/log/start.err" "$dir/log/MasterLog" >&2
      exit 8
    }
    rm -f "$dir/log/SharedPortLog" "$dir/log/MasterLog"
    port=$((port + 1))
  done
fi

sum >"$dir/run/config.sum"
echo "port=$port"
echo "fence=$fenced"
[ "$fenced" = yes ] || echo "unfenced=$why"
echo "bin=$CONDOR_BIN"
echo "sbin=$CONDOR_SBIN"
echo "version=$CONDOR_VERSION"
# the files that the payload would be made of: the same programs give the same key
echo "key=$(cd "$CONDOR_SBIN" && stat -L -c '%n %s %Y' condor_master condor_startd condor_starter "$CONDOR_LIBEXEC/condor_shared_port" 2>/dev/null | sha256sum | cut -c1-24)"
