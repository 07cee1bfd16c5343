#!/bin/bash
# PID 1 of one host, in mount, UTS, IPC, PID and network namespaces of its own:
#   host-init.sh NAME DIR LOWER [SOURCE:TARGET:ro|rw]…
# DIR/boot_id is the host's own boot id (random(4)) after a reboot. Before, it has that of the kernel, as all hosts of all labs:
# where anything is mounted on a part of /proc, the kernel lets nobody mount another /proc in a namespace (mount_too_revealing in fs/namespace.c).
# Puts the host's root together and moves into it. DIR/pid, written last, holds this process's id as seen outside.
set -euo pipefail

name=$1 dir=$2 lower=$3
shift 3
root=$dir/root

# /proc is still the outer one here, so "self" is the outer id; read without starting another process
read -r pid _ < /proc/self/stat
exec 3> "$dir/pid"

mount -t overlay "lab-$name" -o "lowerdir=$lower,upperdir=$dir/upper,workdir=$dir/work" "$root"
hostname "$name"
echo "$name" > "$root/etc/hostname"

mount -t proc proc "$root/proc"
if [ -e "$dir/boot_id" ]; then
  mount --bind "$dir/boot_id" "$root/proc/sys/kernel/random/boot_id"
  mount -o remount,bind,ro "$root/proc/sys/kernel/random/boot_id"
fi
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mkdir -p "$root/run/sshd" "$root/run/lock"

# Device nodes of its own: the outer /dev/fuse may be closed to ordinary users, whom container runtimes serve
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
while read -r node major minor; do
  mknod -m 666 "$root/dev/$node" c "$major" "$minor"
done <<'NODES'
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
fuse 10 229
NODES
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"

for bind in "$@"; do
  IFS=: read -r source target mode <<< "$bind"
  if [ -d "$source" ]; then mkdir -p "$root$target"; else : >> "$root$target"; fi
  mount --bind "$source" "$root$target"
  [ "$mode" = rw ] || mount -o remount,bind,ro "$root$target"
done

# pivot_root and not chroot: the kernel denies user namespaces to chrooted processes, and containers need them
mkdir -p "$root/.outside"
cd "$root"
pivot_root . .outside
cd /
umount -l /.outside
rmdir /.outside

echo "$pid" >&3
exec 3>&-
exec tini -- sleep infinity
