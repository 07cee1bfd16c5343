# shellcheck shell=bash
# probe WORK NAME: what a site's login node or a headnode is, as KEY=VALUE lines. WORK may hold the site's own variables.
export LC_ALL=C
work=$1 name=$2
eval "base=\"$work\""
case $base in
  /*/*) ;;
  # many sites set $SCRATCH and the like for login shells only
  *) base=$(bash -lc "printf '%s\n' \"$work\"" 2>/dev/null </dev/null | tail -n 1) ;;
esac
case $base in
  /*/*) ;;
  *) echo "the working directory $work becomes \"$base\" here, which is no place to write in" >&2; exit 3 ;;
esac
echo "base=$base"
echo "user=$(id -un)"
echo "uid=$(id -u)"
echo "host=$(hostname)"
echo "arch=$(uname -m)"
echo "glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)"
echo "now=$(date +%s)"
# client address, client port, server address, server port: sshd(8)
echo "ssh=${SSH_CONNECTION:-}"
for a in $( (hostname -I || ip -o -4 addr show | sed 's/.* inet \([0-9.]*\).*/\1/') 2>/dev/null); do
  case $a in *:* | 127.* | *[!0-9.]*) ;; *) echo "address=$a" ;; esac
done
[ ! -r "$base/$name/owner" ] || echo "owner=$(cat "$base/$name/owner")"
for out in "$base/$name"/site/submit/*.out; do [ ! -r "$out" ] || echo "submitted=$(base64 <"$out" | tr -d '\n')"; done
[ ! -e "$base/$name/pool/condor_config" ] || echo "pool=$base/$name/pool"
exit 0
