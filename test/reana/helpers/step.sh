#!/bin/sh
# Runs a step on the node itself, without a container: copies its files there, and brings back what changed.
# Keeps the wrapper's contract for the tests of those who submit.
set -u
. ./step.env
top=$PWD
work=$top/work
mkdir "$work" && : >report
fail() { echo "$2" >&2; echo "message=$2" >>report; tar cf changed.tar -T /dev/null; exit "$1"; }
chirp=${SCAILFIN_CHIRP:-$(command -v condor_chirp || echo "$(dirname "$(readlink "/proc/$PPID/exe")")/../libexec/condor_chirp")}
sed 1d manifest >items
while read -r hash size mode kind path; do
  path=$(printf %s "$path" | base64 -d)
  [ "$kind" != d ] || mkdir -p -m "$mode" "$work/$path"
done <items
tar xf small.tar -C "$work" || fail 162 'small.tar'
while read -r hash size mode kind path; do
  path=$(printf %s "$path" | base64 -d)
  [ "$kind" = f ] || continue
  [ -e "$work/$path" ] || "$chirp" fetch "$workspace/$path" "$work/$path" || fail 162 "$path"
  [ "$(sha256sum <"$work/$path" | cut -d' ' -f1)" = "$hash" ] || fail 162 "$path"
  chmod "$mode" "$work/$path"
done <items
for line in $environment_b64; do export "$(printf %s "$line" | base64 -d)"; done
touch -d @1000000000 stamp
(cd "$work" && find . -type f -exec touch -h -d @1000000000 {} + && exec bash -c "$(printf %s "$command_b64" | base64 -d)" 2>&1)
echo "exit=$?" >>report
echo "node=$(hostname)" >>report
while read -r hash size mode kind path; do
  name=$(printf %s "$path" | base64 -d)
  [ -e "$work/$name" ] || [ -L "$work/$name" ] || echo "deleted=$path" >>report
done <items
(cd "$work" && find . \( -type f -newer ../stamp -o -type l -o -type d ! -name . \) -print0) |
  tar cf changed.tar -C "$work" --no-recursion --null -T - || fail 163 'changed.tar'
code=$(sed -n 's/^exit=//p' report)
exit "$code"
