# shellcheck shell=sh disable=SC2034,SC2154
# ---- images of the site: fetched once for all nodes, and kept in a directory that all nodes see. It holds only whole files:
#   names/KEY.FORM     the SHA-256 of an image, and what it is called; its time says when it was last used
#   files/SHA256.FORM  the image: a SIF, or a tar archive of its files
#   locks, parts, failed: who fetches an image now, into what, and who failed a moment ago

store=${SCAILFIN_IMAGES-}
# programs are started from it: it must be ours and no link
[ -z "$store" ] || { { has "$store" names files locks parts failed ||
  (umask 077 && mkdir -p "$store/names" "$store/files" "$store/locks" "$store/parts" "$store/failed") 2>/dev/null; } &&
  [ ! -L "$store" ] && [ -O "$store" ] && [ -w "$store/locks" ]; } || store=''
# a lock is dead after so many seconds in which its holder wrote nothing; a holder writes every few seconds
silence=${SCAILFIN_STORE_SILENCE:-90}
# days after which an image that nobody used is removed
store_days=${SCAILFIN_STORE_DAYS:-30}

# in_store NAME: sets `stored`, the file of an image
in_store() {
  stored='' digest=''
  [ -n "$store" ] || return 1
  { read -r digest _ <"$store/names/$1"; } 2>/dev/null || return 1
  stored=$store/files/$digest.${1##*.}
  [ -n "$digest" ] && [ -e "$stored" ] || return 1
  # an hour is exact enough, and spares the file server
  if [ -n "$(find "$store/names/$1" -mmin +60 2>/dev/null)" ]; then touch -c "$store/names/$1" "$stored" 2>/dev/null; fi
}

# once_for_site NAME COMMAND…: provides an image in the store: on one node, COMMAND makes it at the path it gets. @returns 1
# if it can't be fetched, with words in $own/words; 2 if the store can't be used
once_for_site() {
  lock=$store/locks/$1
  seen='' quiet=0 pause=1
  until in_store "$1"; do
    if has_failed "$1"; then return 1; fi
    # making a directory is one step on every shared file system; flock is not
    if mkdir "$lock" 2>/dev/null; then
      hold_lock
      # NFS remembers for a while that a name was not there, but not once its directory was listed
      ls "$store/names" >/dev/null 2>&1
      # it may have come between the two looks
      if in_store "$1"; then status=0; else
        fetch_for_site "$@"
        status=$?
      fi
      drop_lock
      [ "$status" = 0 ] || return "$status"
      continue
    fi
    [ -d "$lock" ] || [ -d "$store/locks" ] || return 2
    beat=$(cat "$lock/beat" 2>/dev/null)
    if [ "$beat" != "$seen" ]; then
      seen=$beat quiet=0
    else
      quiet=$((quiet + pause))
    fi
    if [ "$quiet" -ge "$silence" ]; then
      break_lock
      seen='' quiet=0
    fi
    sleep "$pause"
    # many nodes may wait
    [ "$pause" -ge 5 ] || pause=$((pause + 1))
  done
}

# The holder's clock and ours may differ, so a lock has no time but a number that changes while its holder lives
hold_lock() {
  holder=$SCAILFIN_STEP.$node
  puller=$(exec sh -c 'echo $PPID')
  echo "$holder 0" >"$lock/beat"
  (
    n=0
    while [ -d "/proc/$puller" ] && is_ours; do
      n=$((n + 1))
      echo "$holder $n" >"$lock/beat"
      sleep 3
    done
  ) 2>/dev/null 9>&- &
  beater=$!
}
is_ours() { case $(cat "$lock/beat" 2>/dev/null) in "$holder "*) ;; *) false ;; esac; }
drop_lock() {
  kill "$beater" 2>/dev/null
  wait "$beater" 2>/dev/null
  if is_ours; then rm -rf "$lock"; fi
}
# called at the end of a step that was ended while it held a lock
release_locks() {
  for beat in "$store"/locks/*/beat; do
    case $(cat "$beat" 2>/dev/null) in "$SCAILFIN_STEP."*) rm -rf "${beat%/beat}" ;; esac
  done
  remove "$store/parts/"*".$SCAILFIN_STEP"
}
# only one of those that wait removes a dead lock, and only the one that it looked at
break_lock() {
  mkdir "$lock/broken" 2>/dev/null || return 0
  if [ "$(cat "$lock/beat" 2>/dev/null)" = "$seen" ]; then
    mv "$lock" "$store/parts/lock.$SCAILFIN_STEP" 2>/dev/null && rm -rf "$store/parts/lock.$SCAILFIN_STEP"
  else
    rmdir "$lock/broken"
  fi
}

# runs inside the lock
fetch_for_site() {
  name=$1
  shift
  # whoever made these is gone: the lock is ours
  rm -rf "$store/parts/$name".*
  clean_store
  whole=$store/parts/$name.$SCAILFIN_STEP
  make_part && mkdir -p "$part/layers" "$whole" || return 2
  if ("$@" "$whole/image") >"$own/words" 2>&1 9>&- && [ -e "$whole/image" ] && enter_store; then
    remove "$part" "$whole"
    : >"$own/pulled"
    rm -f "$store/failed/$name"
    return 0
  fi
  cause=$(cause_of "$own/words")
  remove "$part" "$whole"
  # the site's directory may have a small quota; the node's disk is another matter
  [ "$cause" != full ] || return 2
  [ -n "$(find "$store/failed/$name" -mmin -1 2>/dev/null)" ] || rm -f "$store/failed/$name"
  printf '%s %s %s\n' "$cause" "$node" "$(last_words "$own/words")" >>"$store/failed/$name"
  return 1
}
enter_store() {
  digest=$(sha256sum <"$whole/image") && digest=${digest%% *}
  chmod 400 "$whole/image" && mv -f "$whole/image" "$store/files/$digest.${name##*.}" &&
    printf '%s %s\n' "$digest" "${reference:-$image}" >"$whole/name" && mv -f "$whole/name" "$store/names/$name"
}
# add_to_store FILE: a SIF of the user's becomes the image of this name, for all nodes
add_to_store() {
  [ -n "$store" ] || fail 165 "images can't be kept in ${SCAILFIN_IMAGES-}"
  name=$image_key.sif
  whole=$store/parts/$name.$SCAILFIN_STEP
  { mkdir -p "$whole" && mv "$1" "$whole/image" && enter_store; } 2>/dev/null || fail 165 "$1 could not be put into $store"
  remove "$whole"
}
# what a registry answered, all nodes believe for a minute. That it can't be reached, three nodes find out, each once
has_failed() {
  [ -n "$(find "$store/failed/$1" -mmin -1 2>/dev/null)" ] || return 1
  tries=0
  while read -r failure where words; do
    tries=$((tries + 1))
    case $failure:$tries in
      limited:* | unknown:* | denied:* | *:3) ;;
      *) [ "$where" = "$node" ] || continue ;;
    esac
    echo "error: ${words#error: } (on $where)" >"$own/words"
    return 0
  done <"$store/failed/$1"
  return 1
}
# removes what nobody has used for long, and files that no name has
clean_store() {
  find "$store/names" -type f -mtime "+$store_days" -exec rm -f {} + 2>/dev/null
  # a new file has its name a moment later
  find "$store/files" -type f -mmin +60 2>/dev/null | while read -r file; do
    kept=${file##*/}
    grep -qs "^${kept%.*} " "$store/names/"* || rm -f "$file"
  done
}
