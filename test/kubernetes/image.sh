#!/bin/bash
# Makes the root file system of an image with Python 3.8, a shell and pip, from this machine's own programs and libraries.
#   image.sh ROOT PYTHON WHEELS PACKAGES
# PYTHON is a Python 3.8; WHEELS is a folder in which pip finds packages; what is in the folder PACKAGES can be imported.
set -euo pipefail

root=$1 python=$2 wheels=$3 packages=$4
programs=(dash sleep cat chmod chown id ls mkdir rm stat touch env)

# what a program loads, and what packages from PyPI expect beside it in the folder $1
libraries() {
  { ldd "$@" 2>/dev/null || true; } | sed -n 's/^[[:space:]]*\(.* => \)\{0,1\}\(\/[^ ]*\).*/\2/p' | grep -v :$
}
beside() {
  local name
  for name in libdl.so.2 libpthread.so.0 librt.so.1 libutil.so.1 libresolv.so.2 libgcc_s.so.1 libstdc++.so.6; do
    ls "$1/$name"
  done
}

mkdir -p "$root"/{dev,proc,sys,etc,opt,root,tmp,var/tmp} "$root"/usr/{bin,lib,lib64,local/bin,local/lib}
for dir in bin lib lib64; do ln -s "usr/$dir" "$root/$dir"; done
chmod 1777 "$root/tmp" "$root/var/tmp"
printf 'root:x:0:0:root:/root:/bin/sh\n' > "$root/etc/passwd"
printf 'root:x:0:\n' > "$root/etc/group"
# HTCondor's client asks for this host's name for a minute where a name service is configured but silent
printf 'hosts: files\n' > "$root/etc/nsswitch.conf"

prefix=$("$python" -c 'import sys; print(sys.base_prefix)')
cp -L "$prefix/bin/python3.8" "$root/usr/local/bin/"
ln -s python3.8 "$root/usr/local/bin/python3"
tar -C "$prefix/lib" -c --exclude=__pycache__ --exclude=python3.8/{test,idlelib,tkinter} --exclude='config-3.8*' \
  --exclude='_tkinter*' --exclude='site-packages/*' python3.8 | tar -C "$root/usr/local/lib" -x --no-same-owner
for program in "${programs[@]}"; do cp -L "$(command -v "$program")" "$root/usr/bin/"; done
ln -s dash "$root/usr/bin/sh"

libc=$(ldd "$prefix/bin/python3.8" | sed -n 's/.*libc.so.6 => \([^ ]*\) .*/\1/p')
mapfile -t all < <(find "$root/usr/bin" "$root/usr/local/lib/python3.8/lib-dynload" -type f)
{ libraries "$prefix/bin/python3.8" "${all[@]}"; beside "$(dirname "$libc")"; } | sort -u | while read -r file; do
  # a Python of its own folder brings its library along, which goes where the loader looks
  case $file in
    "$root"/*) continue ;;
    /lib/* | /lib64/* | /usr/lib/*) to=$root/$file ;;
    *) to=$root/$(dirname "$libc")/$(basename "$file") ;;
  esac
  mkdir -p "$(dirname "$to")"
  cp -L "$file" "$to"
done

site=$root/usr/local/lib/python3.8/site-packages
mkdir -p "$site"
pip=$(find "$root/usr/local/lib/python3.8/ensurepip" -name 'pip-*.whl' | sort -V | tail -1)
"$python" -m zipfile -e "$pip" "$site"
# shellcheck disable=SC2016 # $@ is for the image's shell
printf '#!/bin/sh\nexec python3 -m pip "$@"\n' > "$root/usr/local/bin/pip"
chmod 755 "$root/usr/local/bin/pip"
cp -r "$wheels" "$root/opt/wheels"
printf '[global]\nno-index = true\nfind-links = /opt/wheels\n' > "$root/etc/pip.conf"
cp -r "$packages"/. "$site"
