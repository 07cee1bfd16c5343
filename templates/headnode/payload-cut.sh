# shellcheck shell=bash
# payload-cut OUT SOURCE SOURCE_ARG: copies what a glide-in needs from this host's HTCondor into OUT (a .tar.gz, the same
# bytes for the same programs), and prints KEY=VALUE lines: sha256, glibc (the oldest C library it runs on), arch, bytes.
set -u
umask 022
export LC_ALL=C
out=$1
find_condor "$2" "$3" || exit 5
t=$(mktemp -d) || exit 1
trap 'rm -rf "$t"' EXIT
p=$t/payload
mkdir -p "$p/bin" "$p/sbin" "$p/libexec" "$p/lib"
needed=
need() { needed="$needed $1"; cp -L "$1" "$2" 2>/dev/null || { echo "HTCondor here lacks $1" >&2; exit 6; }; }
for f in condor_master condor_startd condor_starter condor_procd condor_advertise; do need "$CONDOR_SBIN/$f" "$p/sbin/"; done
# without condor_gpu_discovery the startd exits with status 4
for f in condor_shared_port condor_chirp condor_gpu_discovery; do need "$CONDOR_LIBEXEC/$f" "$p/libexec/"; done
for f in condor_power_state condor_pid_ns_init data_plugin; do cp -L "$CONDOR_LIBEXEC/$f" "$p/libexec/" 2>/dev/null; done
for f in condor_config_val condor_who; do need "$CONDOR_BIN/$f" "$p/bin/"; done

# the node's own C library is used; all other libraries are included, also those that libcondor_utils opens by name
{
  # ldd runs on the original files: a release finds its libraries relative to its own place
  for f in $needed "$CONDOR_LIBEXEC"/data_plugin; do ldd "$f" 2>/dev/null; done | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p'
  (ldconfig -p || /sbin/ldconfig -p) 2>/dev/null | sed -nE 's/^\s*lib(ssl|SciTokens)\.so\.[0-9]+ .*(x86-64|AArch64).*=> (.*)/\3/p'
} | sort -u |
  grep -vE '/(libc|libm|libdl|libpthread|librt|libresolv|libutil|libnss_[a-z]*|ld-linux[^/]*)\.so' | while read -r lib; do
  cp -L "$lib" "$p/lib/"
done
ls "$p"/lib/libcondor_utils* >/dev/null 2>&1 || { echo "could not find HTCondor's own libraries (is ldd here?)" >&2; exit 6; }

# jobs run with a clean environment, so condor_chirp, the one program of ours that they call, must find its libraries
# itself
mv "$p/libexec/condor_chirp" "$p/libexec/condor_chirp.bin"
cat >"$p/libexec/condor_chirp" <<'CHIRP'
#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
LD_LIBRARY_PATH=$here/../lib exec "$here/condor_chirp.bin" "$@"
CHIRP
chmod 755 "$p"/bin/* "$p"/sbin/* "$p"/libexec/* "$p"/lib/*

glibc=$(find "$p" -type f -exec grep -aohE 'GLIBC_2\.[0-9]+' {} + | sort -uV | tail -n 1)
printf 'condor=%s\nglibc=%s\narch=%s\n' "$CONDOR_VERSION" "${glibc#GLIBC_}" "$(uname -m)" >"$p/about"
# level 6 takes twice the time for 3 % less
tar -C "$p" --sort=name --mtime=@1000000000 --owner=0 --group=0 --numeric-owner -cf - . | gzip -4n >"$out.part" && mv "$out.part" "$out" || exit 1
cat "$p/about"
printf 'sha256=%s\nbytes=%s\n' "$(sha256sum "$out" | cut -d' ' -f1)" "$(wc -c <"$out")"
