# shellcheck shell=bash
# remove BASE NAME PART: removes the files of PART (site or pool) of the cluster here, and directories that are no longer
# needed. Prints left=PATH for each thing that could not be removed.
base=$1 name=$2 part=$3
dir=$base/$name
# (bosco/close.sh is put before it)
[ "$part" != site ] || [ ! -d "$dir/site/bosco" ] || bosco_close "$dir/site"
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
