#!/bin/bash
# shellcheck disable=SC1090,SC2154  # blahpd.sh sets these
# once.sh: submits a job once, however often it is asked to; blahpd calls it TYPE_submit.sh. When a connection breaks before the
# headnode has the answer to a submission, HTCondor's gridmanager submits the same job again: then it gets the answer that
# was lost. By its last argument it is known as the same job (grow.sh).
. "$BLAHPD_CONFIG_LOCATION"
submit=${0%/*}/${supported_lrms}_submit.sh
for key; do :; done
case $key in '' | *[!0-9-]*) exec "$submit" "$@" ;; esac
answer=$GAHP_TEMP/submitted/$key
mkdir -p "${answer%/*}" || exit 1
# what submitted it goes on when its connection breaks, and may still be at work
exec 8>>"$answer.lock" && flock 8 || exit 1
if [ ! -s "$answer" ]; then
  find "${answer%/*}" -type f -mtime +30 -delete
  "$submit" "$@" >"$answer.new" 8>&-
  status=$?
  [ "$status" = 0 ] || { cat "$answer.new"; exit "$status"; }
  mv "$answer.new" "$answer" || exit 1
fi
cat "$answer"
