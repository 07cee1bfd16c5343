# shellcheck shell=bash
# keep-up DIR COMMAND…: restarts COMMAND whenever it ends, until DIR is gone; at once, unless it has just begun.
set -u
dir=$1
shift
while [ -d "$dir" ]; do
  began=$SECONDS
  "$@"
  [ $((SECONDS - began)) -gt 2 ] || sleep 2
done
