# shellcheck shell=bash
# close DIR SECONDS: prevents further submissions, waits for those under way, and prints the answers of all submissions
# ever made, and unfinished=LABEL SECONDS for each that began so long ago and has no answer. (site/keys.sh, bosco/close.sh
# and relay/close.sh are put before it.)
dir=$1 limit=$2
[ -d "$dir" ] || { keys_forget "$dir"; echo gone; exit 0; }
: >"$dir/closed"
bosco_close "$dir"
keys_forget "$dir"
relay_elsewhere "$dir"
n=0
while :; do
  open=
  for s in "$dir"/submit/*.started; do [ ! -d "$s" ] || [ -s "${s%.started}.rc" ] || open="$open ${s##*/}"; done
  [ -n "$open" ] && [ "$n" -lt "$limit" ] || break
  n=$((n + 1))
  sleep 1
done
for s in $open; do echo "unfinished=${s%.started} $(($(date +%s) - $(stat -c %Y "$dir/submit/$s" 2>/dev/null || echo 0)))"; done
for out in "$dir"/submit/*.out; do [ ! -r "$out" ] || echo "submitted=$(base64 <"$out" | tr -d '\n')"; done
exit 0
