#!/bin/sh
# check.sh: small checks of the node, before it joins a pool. glidein.sh reads this file. Each function examines one thing;
# if that is not as it must be, the function prints the reason and returns 1.

# the room that a glide-in's directory must have, in MiB
least_room=512
# seconds by which the node's clock may be off
most_off=600

# machine_fits ARCH: the processor is one for which HTCondor's programs were built
machine_fits() {
  [ "$(uname -m)" = "$1" ] || { echo "the payload is for $1, this node is $(uname -m)"; return 1; }
}

# library_fits VERSION: the C library is GNU's, and not older than the one that HTCondor's programs need
library_fits() {
  has=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d ' ' -f 2)
  [ -n "$has" ] && [ "$(printf '%s\n%s\n' "$1" "$has" | sort -V | head -n 1)" = "$1" ] ||
    { echo "HTCondor's payload needs C library $1 or newer, this node has ${has:-none of GNU}"; return 1; }
}

# clock_agrees NOW ISSUED UNTIL STARTED: the token of the pool was made before now and has not ended, and the batch job did
# not start after now. All are Unix times, and 0 is unknown. The headnode compares its own clock with times that this node
# tells, so a node whose clock is behind gets no jobs.
clock_agrees() {
  [ "$1" -ge $(($2 - most_off)) ] || { echo "this node's clock is at least $(($2 - $1)) s behind the headnode's"; return 1; }
  [ "$1" -ge $(($4 - most_off)) ] || { echo "this node's clock is at least $(($4 - $1)) s behind the batch system's"; return 1; }
  # a batch job may wait for its node to start
  [ "$4" = 0 ] || [ "$1" -le $(($4 + 3600)) ] ||
    { echo "this node's clock is ahead: it is $(clock "$1") here, and the batch job started at $(clock "$4")"; return 1; }
  [ "$3" = 0 ] || [ "$1" -le "$3" ] ||
    { echo "the pool's token ended at $(clock "$3"), and it is $(clock "$1") here: the batch job waited too long, or this node's clock is ahead"; return 1; }
}
clock() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || echo "$1"; }

# can_write DIR: files can be written there
can_write() {
  { echo try >"$1/try.$$" && rm -f "$1/try.$$"; } 2>/dev/null || { rm -f "$1/try.$$" 2>/dev/null; echo "files can't be written there"; return 1; }
}

# can_execute DIR: programs can run from there, which the mount option noexec prevents. DIR must be a directory of our own
can_execute() {
  { printf '#!/bin/sh\nexit 0\n' >"$1/try.$$" && chmod 700 "$1/try.$$"; } 2>/dev/null || { rm -f "$1/try.$$"; echo "files can't be written there"; return 1; }
  said=$("$1/try.$$" 2>&1) && rm -f "$1/try.$$" && return 0
  rm -f "$1/try.$$"
  echo "programs can't run there (${said##*: })"
  return 1
}

# has_room DIR: there is enough room; if the system does not tell, there is
has_room() {
  free=$(df -Pk "$1" 2>/dev/null | awk 'NR == 2 { print int($4 / 1024) }')
  [ "${free:-$least_room}" -ge "$least_room" ] || { echo "it has $free MiB free, and $least_room are needed"; return 1; }
}

# memory_limit [ROOT]: prints how much memory in MiB the control groups of this process allow, or nothing if they set no
# limit. Every group above may set one, too: cgroups(7); memory.max in version 2, memory.limit_in_bytes in version 1
memory_limit() {
  while IFS=: read -r _ controllers path; do
    case ,$controllers, in
      ,,) groups=$1/sys/fs/cgroup file=memory.max ;;
      *,memory,*) groups=$1/sys/fs/cgroup/memory file=memory.limit_in_bytes ;;
      *) continue ;;
    esac
    while path=${path%/}; do
      [ ! -r "$groups$path/$file" ] || cat "$groups$path/$file"
      [ -n "$path" ] || break
      path=${path%/*}
    done
  done 2>/dev/null <"$1/proc/self/cgroup" |
    awk '/^[0-9]+$/ && $1 < 2 ^ 60 { mib = int($1 / 1048576); if (!least || mib < least) least = mib } END { if (least) print least }'
}

# containers: prints what the node has for containers. A step without a container needs none of it
containers() {
  list=
  for program in apptainer singularity shifter ch-run podman-hpc; do
    ! command -v "$program" >/dev/null 2>&1 || list="$list $program"
  done
  if unshare --user --map-root-user true 2>/dev/null; then echo "user namespaces work; container programs in PATH:${list:- none}"
  else echo "user namespaces do not work; container programs in PATH:${list:- none}"; fi
}
