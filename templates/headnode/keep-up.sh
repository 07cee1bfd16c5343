# shellcheck shell=bash
# keep-up DIR COMMAND…: restarts COMMAND whenever it ends, until DIR is gone.
set -u
dir=$1
shift
while [ -d "$dir" ]; do
  "$@"
  sleep 2
done
