# shellcheck shell=sh disable=SC2154  # the script that includes this one sets pool and fence
# The places that a fence shows. Needs $pool, the pool's directory, and $fence, the directory of its fences; the root of
# the fences is $fence/root.

# fence_place HOW PATH: makes the mount point for PATH below the root, and prints its line for mount(8). HOW is
#   rw     as it is, with everything mounted below it
#   ro     read-only
#   in     read-only, inside a directory that has a place already
#   links  as it is; but if mount(8) supports it, links in it can't be followed, because steps can make links there
# A PATH that does not exist is left out.
fence_place() {
  [ -e "$2" ] || return 0
  place=$fence/root$2 options=''
  case $1:$2 in
    in:*) ;;
    # these come and go; their mount points are made on a temporary file system at each mount
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
    # the file system's own flags must not be removed, so give all of them
    *) options=bind,ro,nosuid,nodev$options ;;
  esac
  fence_escape "$2"
  from=$escaped
  fence_escape "$place"
  # the shell's own echo may interpret backslashes
  printf '%s\n' "$from $escaped none $options 0 0"
}
# fence_escape PATH: sets `escaped` to PATH as fstab(5) needs it
fence_escape() {
  case $1 in
    *[[:space:]\\#]*) escaped=$(printf %s "$1" | sed 's/\\/\\134/g; s/ /\\040/g; s/	/\\011/g; s/#/\\043/g') ;;
    *) escaped=$1 ;;
  esac
}
