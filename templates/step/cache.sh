# shellcheck shell=sh disable=SC2034,SC2154
# ---- the node's cache: images and large files, shared by all steps of a user's cluster on this node

cache=${SCAILFIN_CACHE:-$own/cache}
# has DIR NAME…: all these directories are there
has() {
  within=$1
  shift
  for path; do [ -d "$within/$path" ] || return 1; done
}
# files in the cache are executed: it must be ours and no link, because in /tmp anybody could have made it
make_cache() {
  { [ -d "$1" ] || (umask 077 && mkdir -p "$1") 2>/dev/null; } && [ ! -L "$1" ] && [ -O "$1" ] && {
    has "$1" images objects locks tmp proved failed ||
      mkdir -p "$1/images" "$1/objects" "$1/locks" "$1/tmp" "$1/proved" "$1/failed" 2>/dev/null
  } && [ -w "$1/tmp" ]
}
make_cache "$cache" || { cache=$own/cache && make_cache "$cache"; } || fail 165 "no cache could be made in $scratch"
# makes the place for something that is not complete yet. Its name has the pid of the process that makes it, so that a
# later step can remove what a killed one left
make_part() {
  part=$cache/tmp/$(exec sh -c 'echo $PPID').$SCAILFIN_STEP
  mkdir -p "$part"
}
for old in "$cache"/tmp/*; do
  owner=${old##*/}
  if [ -e "$old" ] && [ ! -d "/proc/${owner%%.*}" ]; then remove "$old"; fi
done

# locked NAME COMMAND…: runs one COMMAND at a time. A lock ends with the process that holds it; on a file system without
# locks, work is done twice. Programs started inside get 9>&-, so that they don't hold the lock; functions must not get
# it, because dash would lose the file for good
locked() { (lock "$@") 9>>"$cache/locks/$1"; }
lock() {
  flock 9 2>/dev/null
  shift
  "$@"
}
used() { touch -c "$1" 2>/dev/null; }

# trim KIB: makes room for KIB more; removes what was used longest ago first, and never what is in use
trim() { locked trim trim_now "$1"; }
trim_now() {
  cd "$cache" || return
  du -sk images/* objects/* 2>/dev/null >"$own/sizes"
  held=$(awk '{ n += $1 } END { print n + 0 }' "$own/sizes")
  room=$(free_in .)
  limit=$(((held + room) / 2))
  [ -z "${SCAILFIN_CACHE_MAX-}" ] || limit=$((SCAILFIN_CACHE_MAX * 1024))
  excess=$((held + $1 - limit))
  [ "$excess" -gt 0 ] || return 0
  find images objects -mindepth 1 -maxdepth 1 -printf '%T@ %p\n' | sort -n | sed 's/^[^ ]* //' | while read -r item; do
    [ "$excess" -gt 0 ] || break
    if (flock -n 8 && make_part && mv "$item" "$part/old" && remove "$part") 8>>"locks/${item##*/}" 2>/dev/null; then
      size=$(awk -v item="$item" '$2 == item { print $1 }' "$own/sizes")
      excess=$((excess - ${size:-0}))
    fi
  done
}
