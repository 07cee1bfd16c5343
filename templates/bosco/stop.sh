# shellcheck shell=bash
# bosco_stop DIR SECONDS: stops the pool in DIR from submitting glide-ins, and removes those it submitted; if the site has
# not answered after SECONDS, by force. A pool that does not run submits nothing. Prints grid=N, the number of jobs left.
bosco_stop() {
  local dir=$1 limit=$2 bosco=$1/bosco pid n=0 left
  [ -d "$bosco" ] || { echo grid=0; return 0; }
  touch "$bosco/stopped"
  pid=$(cat "$bosco/grow.pid" 2>/dev/null)
  while [ -n "$pid" ] && grep -qzxF "$bosco/grow.sh" "/proc/$pid/cmdline" 2>/dev/null && [ "$n" -lt 40 ]; do
    # a round that has begun may finish
    kill -TERM "$pid" 2>/dev/null
    n=$((n + 1))
    sleep 0.25
  done
  export CONDOR_CONFIG=$dir/condor_config
  PATH=$(sed -n 's/^BIN = //p' "$dir/found.config" 2>/dev/null):$PATH
  count() { timeout 20 condor_q -allusers -constraint 'ScailfinBosco =!= undefined' -af ClusterId 2>/dev/null; }
  left=$(count) || { echo "grid=unknown"; return 0; }
  if [ -n "$left" ]; then timeout 20 condor_rm -constraint 'ScailfinBosco =!= undefined' >/dev/null 2>&1; fi
  n=0
  while [ -n "$left" ] && [ "$n" -lt "$limit" ]; do
    sleep 1
    n=$((n + 1))
    left=$(count) || break
  done
  if [ -n "$left" ]; then
    timeout 20 condor_rm -forcex -constraint 'ScailfinBosco =!= undefined' >/dev/null 2>&1
    left=$(count)
  fi
  echo "grid=$(printf '%s' "$left" | grep -c .)"
}
