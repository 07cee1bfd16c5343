# shellcheck shell=sh disable=SC2154  # who puts this before its own lines says which pool and which fence
# What a fence shows, place by place. Needs $pool, the pool's directory, and $fence, that of its fences, whose root is
# $fence/root.

# fence_place HOW PATH: makes the place for PATH below the root, and prints its line for mount(8). HOW is
#   rw     as it is, with what is mounted below it
#   ro     read-only
#   in     read-only, and inside of a directory that has its place already
#   links  as it is, but where mount(8) knows how, links in it lead nowhere: whoever runs a step makes them
# What is not there is left out.
fence_place() {
  [ -e "$2" ] || return 0
  place=$fence/root$2 options=''
  case $1:$2 in
    in:*) ;;
    # these come and go; their places are made on a temporary file system, as they are mounted
    *:"$pool"/edge/steps/* | *:"$pool"/edge/runs/* | *:"$pool"/edge/workspaces/* | *:"$pool"/edge/venvs/*)
      [ -d "$2" ] || return 0
      options=,X-mount.mkdir
      ;;
    *)
      if [ -e "$place" ]; then :; elif [ -d "$2" ]; then mkdir -p "$place"; else mkdir -p "${place%/*}" && : >>"$place"; fi ||
        return 1
      ;;
  esac
  case $1 in
    rw) options=rbind$options ;;
    links) options=rbind$options$nofollow ;;
    # the flags which the file system has itself must not be taken away, so all are given
    *) options=bind,ro,nosuid,nodev$options ;;
  esac
  fence_escape "$2"
  from=$escaped
  fence_escape "$place"
  # the shell's own echo may take backslashes for more than they are
  printf '%s\n' "$from $escaped none $options 0 0"
}
# fence_escape PATH: sets `escaped` as fstab(5) wants it
fence_escape() {
  case $1 in
    *[[:space:]\\#]*) escaped=$(printf %s "$1" | sed 's/\\/\\134/g; s/ /\\040/g; s/	/\\011/g; s/#/\\043/g') ;;
    *) escaped=$1 ;;
  esac
}
