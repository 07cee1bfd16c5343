#!/bin/bash
# Makes an image with Python, numpy and matplotlib, in which steps of workflows run: a SIF.
#   image.sh ROOTFS WHEELS TARGET     run as root; the caller holds the lock
# Programs, Python and libraries are those of the labs' root file system; WHEELS is a directory of packages from PyPI for it.
# The cache is keyed by a hash of this file, so whatever changes the result belongs in here.
set -euo pipefail

programs=(
  awk base64 basename bash cat chmod cp cut date dd dirname env find grep head hostname id ln ls mkdir mktemp mv printf pwd
  python3 rm sed seq sh sha256sum sleep sort stat sync tail tar touch tr true truncate uname uniq wc xargs
)

# in the root file system: into a directory, then into a SIF
if [ "$1" = --inside ]; then
  cd /tmp
  root=/tmp/image
  mkdir -p "$root"/usr/{bin,lib,lib64} "$root"/{dev,proc,sys,etc,tmp,home,var/tmp} "$root/usr/lib/python3/dist-packages"
  for link in bin lib lib64; do ln -s "usr/$link" "$root/$link"; done
  for name in "${programs[@]}"; do cp -L "$(type -P "$name")" "$root/usr/bin/"; done
  python=$(basename "$(readlink -f /usr/bin/python3)")
  cp -a "/usr/lib/$python" "$root/usr/lib/"
  rm -rf "$root/usr/lib/$python"/{ensurepip,idlelib,test,tkinter,turtledemo}
  for wheel in /mnt/*.whl; do python3 -m zipfile -e "$wheel" "$root/usr/lib/python3/dist-packages"; done
  find "$root" -type d -name tests -prune -exec rm -rf {} +
  # the libraries of all these, less those that wheels bring along
  { find "$root/usr" -type f \( -perm -u+x -o -name '*.so*' \) -exec ldd {} + 2>/dev/null || true; } |
    sed -n 's/.*=> \(\/[^ ]*\) (.*/\1/p; s/^\t\(\/[^ ]*\) (.*/\1/p' | sort -u | while read -r library; do
      case $library in /tmp/*) continue ;; esac
      into=$root/usr${library#/usr}
      mkdir -p "$(dirname "$into")"
      cp -L "$library" "$into"
    done
  echo root:x:0:0:root:/root:/bin/sh >"$root/etc/passwd"
  for file in group resolv.conf hosts; do : >"$root/etc/$file"; done
  chroot "$root" python3 -m compileall -q /usr/lib || true
  # few bytes matter less than few seconds
  apptainer --quiet build --mksquashfs-args '-comp gzip -Xcompression-level 1' /tmp/image.sif "$root"
  exit
fi

rootfs=$1 wheels=$2 target=$3
export rootfs wheels target
self=$(readlink -f "$0")
export self
# shellcheck disable=SC2016 # that shell has the variables, too
# what is mounted here, nobody else sees, and it goes with this process
unshare --mount bash -euc '
  mount -t tmpfs -o mode=1777 none "$rootfs/tmp"
  mount -t proc none "$rootfs/proc"
  mount --rbind /dev "$rootfs/dev"
  mount --bind "$wheels" "$rootfs/mnt"
  mkdir "$rootfs/tmp/home"
  cp "$self" "$rootfs/tmp/image.sh"
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp/home chroot "$rootfs" bash /tmp/image.sh --inside
  cp "$rootfs/tmp/image.sif" "$target.new"
  mv "$target.new" "$target"
'
