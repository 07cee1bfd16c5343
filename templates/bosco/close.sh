# shellcheck shell=bash
# bosco_close DIR: stops BOSCO's part in a site's DIR from submitting: ends blahpd and all its children (a submission
# under way may finish), and removes the headnode's key. Prints left=WHAT for each process that survives, and
# elsewhere=MACHINE where another machine behind the site's name may have one. (site/machine.sh is put before it.)
bosco_close() {
  bosco_end "$1"
  bosco_forget "$1"
  # one that was killed left its file
  rm -f "$1/bosco/on/$(uname -n)".*
  cat "$1"/bosco/on/* 2>/dev/null | sort -u | sed 's/^/elsewhere=/'
}
bosco_end() {
  bosco_pids() { grep -lzxF "SCAILFIN_BOSCO=$1/bosco" /proc/[0-9]*/environ 2>/dev/null | sed 's|/proc/\([0-9]*\)/.*|\1|'; }
  bosco_daemons() { for p in $(bosco_pids "$1"); do [ "$(cat "/proc/$p/comm" 2>/dev/null)" != blahpd ] || echo "$p"; done; }
  local n=0
  while [ -n "$(bosco_pids "$1")" ] && [ "$n" -lt 60 ]; do
    for p in $(bosco_daemons "$1"); do kill -TERM "$p" 2>/dev/null; done
    [ "$n" -lt 40 ] || for p in $(bosco_pids "$1"); do kill -KILL "$p" 2>/dev/null; done
    n=$((n + 1))
    sleep 0.25
  done
  [ -z "$(bosco_pids "$1")" ] || echo "left=blahpd of $1/bosco ($(bosco_pids "$1" | tr '\n' ' '))"
}
# removes the key from authorized_keys; all other lines stay the same, byte for byte
bosco_forget() {
  local keys mark=" scailfin:$1"
  keys=$(readlink -f "$HOME/.ssh/authorized_keys") && [ -f "$keys" ] || return 0
  ends() { awk -v mark="$mark" 'length($0) >= length(mark) && substr($0, length($0) - length(mark) + 1) == mark { n++ } END { exit !n }' "$keys"; }
  ends || return 0
  # awk ends every line with a newline, also a last line that had none
  local end='cat'
  [ -z "$(tail -c 1 "$keys")" ] || end='head -c -1'
  cp -p "$keys" "$keys.scailfin.$$" &&
    awk -v mark="$mark" 'length($0) < length(mark) || substr($0, length($0) - length(mark) + 1) != mark' "$keys" | $end >"$keys.scailfin.$$" &&
    mv "$keys.scailfin.$$" "$keys"
  rm -f "$keys.scailfin.$$"
  [ -s "$keys" ] || [ ! -e "$1/bosco/made-keys" ] || rm -f "$keys"
  [ ! -e "$1/bosco/made-ssh" ] || rmdir "$HOME/.ssh" 2>/dev/null
  ! { [ -f "$keys" ] && ends; } || echo "left=the line$mark in $keys"
}
