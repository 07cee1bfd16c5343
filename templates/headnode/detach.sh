# shellcheck shell=bash
# detach STATE COMMAND…: starts COMMAND so that it outlives this connection, or finds it running; STATE is its directory.
# Its output is in STATE/out and STATE/err; after its end its exit status is in STATE/status.
set -u
umask 077
state=$1
shift
mkdir -p "$state"
exec 9>>"$state/lock"
# the lock is held as long as the command runs, even if this script is gone
flock -n 9 || exit 0
rm -f "$state/status"
: >"$state/out"
: >"$state/err"
export SCAILFIN_DETACHED=$state
# shellcheck disable=SC2016
setsid bash --norc -c '
  echo $$ >"$SCAILFIN_DETACHED/pid"
  "$@" 9>&-
  echo $? >"$SCAILFIN_DETACHED/status.new"
  mv "$SCAILFIN_DETACHED/status.new" "$SCAILFIN_DETACHED/status"
' detached "$@" </dev/null >"$state/out" 2>"$state/err" &
