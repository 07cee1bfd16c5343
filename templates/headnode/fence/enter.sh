#!/bin/sh
# enter.sh FENCE KIND TABLE COMMAND…: runs COMMAND in a place where only the mounts of FENCE/static and TABLE (both as in
# fstab(5)) below FENCE/root exist, and where it can neither mount nor trace anything. KIND is
#   same  COMMAND replaces this process, with its input and open files, and there is no /proc
#   own   COMMAND sees only its own processes, which end with this one
# TABLE is used once, and removed. If the fence can't be built, this exits with 112 and the reason on stderr; and if
# FENCE_JOB names an HTCondor job, the command FENCE_HOLD holds it.
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
  [ -z "${FENCE_HOLD-}" ] || "$FENCE_HOLD" -reason "the headnode could not build a fence for this job: $*" "$FENCE_JOB"
  exit 112
}
PATH=$PATH:/usr/sbin:/sbin
mount -a -T "$fence/static" -T "$fence/proc-$kind" -T "$table" || refuse 'something could not be mounted'
rm -f "$table"
unset FENCE_HOLD FENCE_JOB
if ! { cd "$fence/root" && pivot_root . . && umount -l . && cd /; }; then refuse 'the old root could not be left'; fi
# umount(8) needed /proc to see what is mounted
[ "$kind" != same ] || umount -l /proc || refuse 'the processes of this machine could not be left'
set -- setpriv --ambient-caps -all --inh-caps -all --bounding-set -all --no-new-privs "$@"
[ "$kind" != same ] || exec "$@"
# the first process of the group gets only signals that it handles
trap 'kill -TERM "$command" 2>/dev/null' TERM INT HUP
"$@" &
command=$!
wait "$command"
status=$?
# a signal ends the wait, not the command
while kill -0 "$command" 2>/dev/null; do
  wait "$command"
  status=$?
done
exit "$status"
