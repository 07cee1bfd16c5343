#!/bin/sh
# enter.sh FENCE TABLE COMMAND…: runs COMMAND where nothing exists but what FENCE/static and TABLE, both as for fstab(5),
# mount below FENCE/root. The process stays the same, with its input and open files, and can mount and trace nothing.
# TABLE is used once, and removed. Ends with 126 and the reason on stderr where the fence can't be built.
set -u
if [ "${FENCE_INSIDE-}" = "" ]; then
  export FENCE_INSIDE=yes
  exec unshare --user --map-current-user --keep-caps --mount --propagation private /bin/sh "$0" "$@"
fi
unset FENCE_INSIDE
fence=$1 table=$2
shift 2
refuse() { echo "no fence: $*" >&2; exit 126; }
PATH=$PATH:/usr/sbin:/sbin
mount -a -T "$fence/static" -T "$table" || refuse 'something could not be mounted'
rm -f "$table"
if ! { cd "$fence/root" && pivot_root . . && umount -l . /proc && cd /; }; then refuse 'the old root could not be left'; fi
exec setpriv --ambient-caps -all --inh-caps -all --bounding-set -all --no-new-privs "$@"
