# shellcheck shell=sh disable=SC2034,SC2154
# ---- the node's cache: images and large files, shared by all steps of a user's cluster there

cache=${SCAILFIN_CACHE:-$own/cache}
# what lies in there is run: in /tmp, where anybody could have made it, it must be ours, and no link
make_cache() {
  (umask 077 && mkdir -p "$1") 2>/dev/null && [ ! -L "$1" ] && [ -O "$1" ] &&
    mkdir -p "$1/images" "$1/objects" "$1/locks" "$1/tmp" "$1/proved" "$1/failed" 2>/dev/null && [ -w "$1/tmp" ]
}
make_cache "$cache" || { cache=$own/cache && make_cache "$cache"; } || fail 165 "no cache could be made in $scratch"
# where something is made that is not whole yet; by the process that makes it the next step sees what a killed one left
make_part() {
  part=$cache/tmp/$(exec sh -c 'echo $PPID').$SCAILFIN_STEP
  mkdir -p "$part"
}
for old in "$cache"/tmp/*; do
  owner=${old##*/}
  if [ -e "$old" ] && [ ! -d "/proc/${owner%%.*}" ]; then remove "$old"; fi
done

# locked NAME COMMAND…: one at a time. Locks go with their holders; where a file system has none, work is done twice.
# What is started in there is kept from holding the lock by 9>&-, but never a function: dash loses the file for good
locked() { (lock "$@") 9>>"$cache/locks/$1"; }
lock() {
  flock 9 2>/dev/null
  shift
  "$@"
}
used() { touch -c "$1" 2>/dev/null; }

# trim KIB: makes room for so much more; what was used last goes last, what is in use never
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
