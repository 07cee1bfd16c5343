# shellcheck shell=bash
# close DIR SECONDS: prevents further submissions, waits for those under way, and prints the answers of all submissions
# ever made, unfinished=LABEL SECONDS for each that began so long ago and has no answer, and refused=SECONDS WORDS for each that
# failed so long ago, with those words in base64. (site/keys.sh, bosco/close.sh and relay/close.sh are put before it.)
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
for rc in "$dir"/submit/*.rc; do
  # its job may have been found in spite of that answer
  [ ! -s "$rc" ] || [ "$(cat "$rc")" = 0 ] || [ -e "${rc%.rc}.adopted" ] ||
    echo "refused=$(($(date +%s) - $(stat -c %Y "$rc"))) $(tail -c 2000 "${rc%.rc}.err" 2>/dev/null | base64 | tr -d '\n')"
done
exit 0
