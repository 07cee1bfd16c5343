# shellcheck shell=bash
# probe WORK NAME: describes a site's login node or a headnode as KEY=VALUE lines. WORK may contain the site's own
# variables. (machine.sh is put before it.)
export LC_ALL=C
work=$1 name=$2
# expand TEXT: replaces $NAME and ${NAME} by their values; the shell does not interpret anything else in TEXT
expand() {
  local rest=$1 out=''
  while [[ $rest =~ ^([^$]*)\$(([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})(.*)$ ]]; do
    local name=${BASH_REMATCH[3]}${BASH_REMATCH[4]}
    out+=${BASH_REMATCH[1]}${!name-} rest=${BASH_REMATCH[5]}
  done
  printf '%s\n' "$out$rest"
}
base=$(expand "$work")
case $base in
  /*/*) ;;
  # many sites set $SCRATCH and similar variables for login shells only
  *) base=$(bash -lc "$(declare -f expand); expand \"\$1\"" bash "$work" 2>/dev/null </dev/null | tail -n 1) ;;
esac
case $base in
  /*/*) ;;
  *) echo "the working directory $work expands to \"$base\" on this host, and files can't be written there" >&2; exit 3 ;;
esac
echo "base=$base"
echo "user=$(id -un)"
echo "uid=$(id -u)"
echo "host=$(hostname)"
echo "machine=$(machine)"
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
# where glide-ins of that cluster look for their pool
[ ! -r "$base/$name/site/settings" ] || sed -n "s/^address='\{0,1\}\([0-9A-Za-z.:-]*\)'\{0,1\}$/serves=\1/p" "$base/$name/site/settings"
[ ! -e "$base/$name/pool/condor_config" ] || echo "pool=$base/$name/pool"
[ ! -r "$base/$name/site/machine" ] || echo "sitemachine=$(cat "$base/$name/site/machine")"
[ ! -r "$base/$name/pool/machine" ] || echo "poolmachine=$(cat "$base/$name/pool/machine")"
[ ! -r "$base/$name/pool/found.config" ] || sed -n 's/^NETWORK_INTERFACE = /pooladdress=/p' "$base/$name/pool/found.config"
exit 0
