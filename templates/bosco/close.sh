# shellcheck shell=bash
# bosco_close DIR: stops BOSCO's part in a site's DIR from submitting: ends blahpd and all its children (a submission
# under way may finish). Prints left=WHAT for each process that survives, and elsewhere=MACHINE where another machine behind
# the site's name may have one. (site/machine.sh is put before it.)
bosco_close() {
  bosco_end "$1"
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
