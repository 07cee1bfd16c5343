# shellcheck shell=bash
# batch PROGRAMS DIRECTORY MODULE COMMAND…: runs COMMAND where PATH has the batch system's PROGRAMS (words), as a person who
# logs in here finds them. DIRECTORY (may be empty) comes first in PATH; MODULE (may be empty) is loaded. Exits with 127, and
# `not found: NAME…`, if a program is nowhere.
programs=$1 directory=$2 module=$3
shift 3
[ -z "$directory" ] || export PATH="$directory:$PATH"
# shellcheck disable=SC2086  # words
[ -n "$module" ] || ! type -P $programs >/dev/null || exec "$@"
# Commands that come by ssh do not read /etc/profile and ~/.profile. What these files print or read is not the command's.
# shellcheck disable=SC2016
exec bash -lc '
  programs=$1 directory=$2 module=$3
  shift 3
  [ -z "$directory" ] || export PATH="$directory:$PATH"
  [ -z "$module" ] || module load "$module"
  lost=
  for program in $programs; do type -P "$program" >/dev/null || lost="$lost $program"; done
  [ -z "$lost" ] || { echo "not found:$lost" >&4; exit 127; }
  exec "$@" <&5 >&3 2>&4 3>&- 4>&- 5<&-
' batch "$programs" "$directory" "$module" "$@" 3>&1 4>&2 5<&0 </dev/null >/dev/null 2>&1
