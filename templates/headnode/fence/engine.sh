#!/bin/sh
# engine.sh RUN WORKSPACE PROGRAM… -- COMMAND…: runs a workflow engine behind a fence. Workflows are programs written by
# others, and a workflow engine runs parts of them on the headnode. It sees the directories RUN and WORKSPACE, and can
# read the files and directories PROGRAM; it does not see any of the owner's other files and processes.
set -u
umask 077
fence=${0%/*}
# shellcheck disable=SC1091
. "$fence/settings"
# shellcheck disable=SC1091
. "$fence/places.sh"
table=$fence/jobs/engine.$$
{
  cat "$fence/tmp"
  fence_place rw "$1" && fence_place rw "$2" && shift 2
  while [ "$1" != -- ]; do
    case $1 in /usr | /usr/* | /opt/*) ;; *) fence_place ro "$1" ;; esac
    shift
  done
} >"$table" || exit 112
shift
exec /bin/sh "$fence/enter.sh" "$fence" own "$table" "$@"
