# shellcheck shell=bash
# pool_keeper DIR: prints the process that keeps the pool's master running, if it runs
pool_keeper() {
  local keeper
  keeper=$(cat "$1/run/keep.pid" 2>/dev/null)
  # the pid may belong to another process by now
  [ -z "$keeper" ] || ! grep -qzxF "$1/pool-keep.sh" "/proc/$keeper/cmdline" 2>/dev/null || echo "$keeper"
}

# pool_stop DIR: ends every HTCondor process that runs with DIR's configuration; returns 1 if some survive
pool_stop() {
  local keeper master programs pids n
  pool_pids() {
    grep -lzxF "CONDOR_CONFIG=$1/condor_config" /proc/[0-9]*/environ 2>/dev/null | while read -r f; do
      p=${f%/environ}
      # a shell or an editor that a user runs inside `scailfin exec` must not be ended
      comm='' && { read -r comm <"$p/comm"; } 2>/dev/null
      case $comm in condor_*) echo "${p##*/}" ;; *) case " $programs " in *" ${p##*/} "*) echo "${p##*/}" ;; esac ;; esac
    done
  }
  # first what would start the master again, unless it asks for this itself
  keeper=$(pool_keeper "$1")
  [ "${keeper:-$$}" = "$$" ] || kill -KILL "$keeper" 2>/dev/null
  master=$(cat "$1/run/master.pid" 2>/dev/null)
  programs=$(cat "$1/edge/edge.pid" "$1/bosco/grow.pid" "$1/relay/relay.pid" "$1/wire/wire.pid" "$1"/workers/*/manager.pid "$1/run/shadows.pid" 2>/dev/null | tr '\n' ' ')
  n=0
  while pids=$(pool_pids "$1") && [ -n "$pids" ]; do
    case $n in
      0) # QUIT is HTCondor's fast shutdown; the master ends its daemons
        if printf '%s\n' "$pids" | grep -qx "${master:-none}"; then kill -QUIT "$master" 2>/dev/null; else printf '%s\n' "$pids" | xargs kill -QUIT 2>/dev/null; fi ;;
      75) printf '%s\n' "$pids" | xargs kill -TERM 2>/dev/null ;;
      100) printf '%s\n' "$pids" | xargs kill -KILL 2>/dev/null ;;
      150) return 1 ;;
    esac
    n=$((n + 1))
    sleep 0.2
  done
  # workflow engines, and what installs them, run in sessions of their own, which outlive the edge
  grep -lzx -e "$1/edge/runs/[^/]*/engine/code/[a-z]*_engine\.py" -e "$1/edge/venvs/[a-z]*-[0-9a-f]*\(/[a-z]*\.txt\)\{0,1\}" /proc/[0-9]*/cmdline 2>/dev/null | while read -r f; do
    p=${f#/proc/}
    kill -KILL -- "-${p%/cmdline}" 2>/dev/null
  done
  return 0
}
