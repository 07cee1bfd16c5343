# shellcheck shell=bash
# token_list DIR: prints the tokens made for glide-ins of the pool in DIR, as token=id=ID site=… until=… revoked=… lines
token_list() {
  local file id revoked
  for file in "$1"/glideins/*; do
    id=${file##*/}
    [ "$id" != revoked ] && [ -s "$file" ] || continue
    revoked=
    grep -qxF "$id" "$1/glideins/revoked" 2>/dev/null && revoked=yes
    echo "token=id=$id $(tr '\n' ' ' <"$file")revoked=$revoked"
  done
  # the token that an older scailfin gave to all glide-ins
  if [ -s "$1/glidein.token" ]; then
    revoked=
    grep -qxF old "$1/glideins/revoked" 2>/dev/null && revoked=yes
    echo "token=id=old made=$(stat -c %Y "$1/glidein.token") until=$(($(stat -c %Y "$1/glidein.token") + 2592000)) revoked=$revoked"
  fi
}
