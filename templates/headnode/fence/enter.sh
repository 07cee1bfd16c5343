#!/bin/sh
# enter.sh FENCE KIND TABLE COMMAND…: runs COMMAND where nothing exists but what FENCE/static and TABLE, both as for fstab(5),
# mount below FENCE/root, and where it can mount and trace nothing. KIND is
#   same  COMMAND takes the place of this very process, with its input and open files, and there is no /proc
#   own   COMMAND sees no process but its own ones, which end with this one
# TABLE is used once, and removed. Where the fence can't be built it ends with 112, the reason on stderr, and the HTCondor job
# FENCE_JOB, if there is one, is held by the command FENCE_HOLD.
set -u
fence=$1 kind=$2 table=$3
if [ "${FENCE_INSIDE-}" = "" ]; then
  export FENCE_INSIDE=yes
  set -- /bin/sh "$0" "$@"
  [ "$kind" = same ] || set -- --pid --fork --kill-child "$@"
  exec unshare --user --map-current-user --keep-caps --mount --propagation private "$@"
fi
unset FENCE_INSIDE
shift 3
refuse() {
  echo "no fence: $*" >&2
  [ -z "${FENCE_HOLD-}" ] || "$FENCE_HOLD" -reason "the headnode could build no fence for it: $*" "$FENCE_JOB"
  exit 112
}
PATH=$PATH:/usr/sbin:/sbin
mount -a -T "$fence/static" -T "$fence/proc-$kind" -T "$table" || refuse 'something could not be mounted'
rm -f "$table"
unset FENCE_HOLD FENCE_JOB
if ! { cd "$fence/root" && pivot_root . . && umount -l . && cd /; }; then refuse 'the old root could not be left'; fi
# umount(8) looked there for what is mounted
[ "$kind" != same ] || umount -l /proc || refuse 'the processes of this machine could not be left'
set -- setpriv --ambient-caps -all --inh-caps -all --bounding-set -all --no-new-privs "$@"
[ "$kind" != same ] || exec "$@"
# the first of its processes gets no signal that it does not ask for
trap 'kill -TERM "$command" 2>/dev/null' TERM INT HUP
"$@" &
command=$!
wait "$command"
status=$?
# a signal ends the waiting, not the command
while kill -0 "$command" 2>/dev/null; do
  wait "$command"
  status=$?
done
exit "$status"
