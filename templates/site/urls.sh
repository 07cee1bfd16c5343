# shellcheck shell=bash
# urls URL…: prints whether each URL answers from this host, in their order: url=URL answers|fails WORDS. What answers only by the
# HTTP proxy that the environment names has the words `by the proxy ADDRESS` at the end.
ask() { curl -sS -o /dev/null --max-time 8 -w '%{http_code}\n' "$@" "$u" 2>&1 </dev/null; }
try() {
  local u=$1 said proxied port=443 host=${1#*://}
  if type -P curl >/dev/null; then
    local proxy=${https_proxy:-${HTTPS_PROXY-}} by
    case $u in http://*) proxy=${http_proxy-} ;; esac
    # the proxy is tried at the same time
    [ -z "$proxy" ] || exec {by}< <(ask --proxy "$proxy" --noproxy '')
    if said=$(ask --noproxy '*'); then echo "url=$u answers $said"
    elif [ -n "$proxy" ] && read -r proxied <&"$by" && [[ $proxied != curl:* && $proxied != 000 ]]; then
      echo "url=$u answers $proxied by the proxy $proxy"
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
