# shellcheck shell=bash
# urls URL…: prints whether each URL answers from this host, in their order: url=URL answers|fails WORDS
try() {
  local u=$1 said port=443 host=${1#*://}
  if type -P curl >/dev/null; then
    if said=$(curl -sS -o /dev/null --max-time 8 -w '%{http_code}' "$u" 2>&1 </dev/null); then
      echo "url=$u answers $said"
    else
      echo "url=$u fails $(echo "$said" | sed -n 's/^curl: ([0-9]*) //p' | head -n 1)"
    fi
    return
  fi
  # without curl, only the port is tried
  case $u in http://*) port=80 ;; esac
  host=${host%%/*}
  case $host in *:*) port=${host##*:} host=${host%:*} ;; esac
  # shellcheck disable=SC2016
  if timeout 8 bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$host" "$port" 2>/dev/null; then
    echo "url=$u answers (port $port)"
  else
    echo "url=$u fails no connection to port $port"
  fi
}
# all run at once: a URL that does not answer takes 8 s
fds=()
for u in "$@"; do exec {fd}< <(try "$u") && fds+=("$fd"); done
for fd in "${fds[@]}"; do cat <&"$fd"; done
exit 0
