# shellcheck shell=bash
# submit DIR LABEL BYTES COMMAND… <SCRIPT: submits once, however often it is called, and continues when the connection
# breaks. The batch system's answer is kept in DIR/submit/LABEL.{out,err,rc}, so that it can be read later if the
# connection breaks.
set -u
umask 077
dir=$1 f=$1/submit/$2 label=$2 bytes=$3
shift 3
cd "$dir" || exit 75
if [ ! -s "$f.rc" ]; then
  [ ! -e closed ] || { echo "this cluster is being taken down" >&2; exit 75; }
  cat >"$f.script.$$"
  # if a connection broke in the middle, half a script must not be submitted
  [ "$(wc -c <"$f.script.$$")" -eq "$bytes" ] || { rm -f "$f.script.$$"; echo "the job script arrived incomplete" >&2; exit 75; }
  mkdir "$f.started" 2>/dev/null || { rm -f "$f.script.$$"; echo "another submission of $label is under way" >&2; exit 76; }
  mv "$f.script.$$" "$f.script"
  # a submission that has started must finish: otherwise a broken connection could leave a job that nobody knows
  # shellcheck disable=SC2016
  setsid sh -c 'f=$1; shift; "$@" <"$f.script" >"$f.tmp" 2>"$f.err"; rc=$?; mv "$f.tmp" "$f.out"; echo "$rc" >"$f.rc"' sh "$f" "$@" </dev/null >/dev/null 2>&1 &
  wait $!
fi
cat "$f.err" >&2
cat "$f.out"
exit "$(cat "$f.rc")"
