# shellcheck shell=bash
# relay_end DIR: ends the relay of a site's DIR on this login node. Prints left=WHAT if a process of it survives.
relay_end() {
  relay_pids() { grep -lzxF "SCAILFIN_RELAY=$1/relay" /proc/[0-9]*/environ 2>/dev/null | sed 's|/proc/\([0-9]*\)/.*|\1|'; }
  local n=0 p
  while [ -n "$(relay_pids "$1")" ] && [ "$n" -lt 40 ]; do
    for p in $(relay_pids "$1"); do kill -"$([ "$n" -lt 20 ] && echo TERM || echo KILL)" "$p" 2>/dev/null; done
    n=$((n + 1))
    sleep 0.25
  done
  [ -z "$(relay_pids "$1")" ] || echo "left=the relay of $1 ($(relay_pids "$1" | tr '\n' ' '))"
  rm -rf "$1/relay/$(uname -n)".*
}
# relay_elsewhere DIR: prints elsewhere=MACHINE for each other login node on which a relay of DIR may run.
relay_elsewhere() { cat "$1"/relay/*/here 2>/dev/null | grep -v "^$(uname -n) " | sort -u | sed 's/^/elsewhere=/'; }
