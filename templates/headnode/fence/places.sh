# shellcheck shell=sh disable=SC2154  # who puts this before its own lines says where the fence is
# What a fence shows, place by place. Needs $fence, the directory of the fence, whose root is $fence/root.

# fence_place HOW PATH: makes the place for PATH below the root, and prints its line for mount(8). HOW is
#   rw  as it is, with what is mounted below it
#   ro  read-only
#   in  read-only, and inside of a directory that has its place already
#   new a directory whose place is on a temporary file system, and made as it is mounted
# What is not there is left out.
fence_place() {
  place=$fence/root$2
  if [ "$1" = in ] || [ "$1" = new ]; then
    [ -e "$2" ] || return 0
  elif [ -d "$2" ]; then
    [ -d "$place" ] || mkdir -p "$place" || return 1
  elif [ -e "$2" ]; then
    [ -e "$place" ] || { mkdir -p "${place%/*}" && : >>"$place"; } || return 1
  else return 0; fi
  fence_escape "$2"
  from=$escaped
  fence_escape "$place"
  case $1 in
    rw) options=rbind ;;
    new) options=rbind,X-mount.mkdir ;;
    # the flags which the file system has itself must not be taken away, so all are given
    *) options=bind,ro,nosuid,nodev,noexec ;;
  esac
  echo "$from $escaped none $options 0 0"
}
# fence_escape PATH: sets `escaped` as fstab(5) wants it
fence_escape() {
  case $1 in
    *[[:space:]\\#]*) escaped=$(printf %s "$1" | sed 's/\\/\\134/g; s/ /\\040/g; s/	/\\011/g; s/#/\\043/g') ;;
    *) escaped=$1 ;;
  esac
}
