# shellcheck shell=bash
# left DIR: prints what an earlier check left in its directory, and the owner line, which is one level up
d=$1
[ ! -d "${d%/site}" ] || echo there=yes
[ ! -s "$d/nonce" ] || echo "nonce=$(cat "$d/nonce")"
[ ! -s "$d/../owner" ] || echo "owner=$(cat "$d/../owner")"
[ ! -s "$d/submit/check.out" ] || echo "submitted=$(base64 <"$d/submit/check.out" | tr -d '\n')"
exit 0
