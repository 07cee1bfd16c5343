# shellcheck shell=bash
# withdraw DIR LABEL: a submission that has not begun (submit.sh) never begins from now on: prints `withdrawn`. Otherwise prints
# `begun`, and submit.sh has its answer
umask 077
trap '' HUP PIPE
f=$1/submit/$2
if mkdir "$f.started" 2>/dev/null; then
  { : >"$f.out" && echo 'it was withdrawn before it began' >"$f.err" && echo 75 >"$f.rc"; } || { rm -rf "$f".*; exit 1; }
  echo withdrawn
else
  [ -d "$f.started" ] || { echo "$f.started can't be made" >&2; exit 1; }
  if grep -qs '^it was withdrawn' "$f.err"; then echo withdrawn; else echo begun; fi
fi
