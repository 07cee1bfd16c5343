# shellcheck shell=bash
# remove BASE NAME PART: removes the files of PART (site or pool) of the cluster here, and directories that are no longer
# needed. Prints left=PATH for each thing that could not be removed, and unseen=PATH on NODE for each directory of a
# glide-in that may remain where this host can't look.
base=$1 name=$2 part=$3
dir=$base/$name
# (site/keys.sh, headnode/share-end.sh, bosco/close.sh and relay/close.sh are put before it)
[ "$part" != site ] || [ ! -d "$dir/site/bosco" ] || bosco_close "$dir/site"
[ "$part" != site ] || [ ! -d "$dir/site/relay" ] || relay_end "$dir/site"
keys_forget "$dir/$part"
[ "$part" != pool ] || share_end "$dir/pool"
# A glide-in notes its directory on the node, and its keeper removes both within seconds even if the batch system kills the
# glide-in. If the keeper was killed too, or the node went down, a directory on a shared disk is removed here
n=0
while [ "$part" = site ] && [ -n "$(ls "$dir/site/places" 2>/dev/null)" ] && [ "$n" -lt 20 ]; do
  n=$((n + 1))
  sleep 0.5
done
for trace in "$dir/$part/places"/*; do
  [ -f "$trace" ] && [ ! -L "$trace" ] && read -r node work <"$trace" || continue
  # compute nodes can write any text there
  case $work in */../* | *[[:cntrl:]]*) continue ;; /*/"scailfin-$name-${trace##*-}") ;; *) continue ;; esac
  if [ ! -L "$work" ] && [ -d "$work" ] && [ -O "$work" ]; then
    rm -rf "$work"
    [ ! -e "$work" ] || echo "left=$work"
  elif [ "$node" != "$(hostname)" ]; then
    echo "unseen=$work on ${node//[^a-zA-Z0-9._-]/?}"
  fi
done
n=0
# files of a job that has just ended can reappear as long as a network file system remembers them
while [ -e "$dir/$part" ] && [ "$n" -lt 10 ]; do
  rm -rf "${dir:?}/$part" 2>/dev/null && break
  n=$((n + 1))
  sleep 1
done
if [ ! -e "$dir/site" ] && [ ! -e "$dir/pool" ]; then rm -rf "$dir"; fi
others=
for d in "$base"/*/site; do [ ! -d "$d" ] || others=yes; done
[ -n "$others" ] || rm -rf "$base/payload"
rmdir "$base" 2>/dev/null
[ ! -e "$dir/$part" ] || echo "left=$dir/$part"
[ -n "$others" ] || [ ! -e "$base/payload" ] || echo "left=$base/payload"
exit 0
