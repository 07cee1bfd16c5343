#!/bin/sh
# Stands in for reana-server 0.9.4's scripts/create-database.sh: may be run again, needs the database's password to be the
# one that the server has (STATE/server-password, where a test says which).
[ $# = 0 ] || exit 2
if [ -e "$STATE/server-password" ] && ! cmp -s "$STATE/server-password" "$STATE/db-password"; then
  echo 'sqlalchemy.exc.OperationalError: FATAL:  password authentication failed for user "reana"' >&2
  exit 1
fi
echo 'Creating REANA database...'
: >"$STATE/tables"
echo 'REANA database created.'
