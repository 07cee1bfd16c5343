# shellcheck shell=bash
# missing DIR [-ID|+ID|=ID]…: remembers since when the batch system does not show a job: -ID forgets that, +ID begins now
# unless it began before, =ID is a job that is over by the batch system's word (since 0). Prints now=SECONDS, and
# missing=SECONDS ID for each such job.
dir=$1/missing
shift
for change; do
  id=${change#?}
  case $id in '' | .* | */*) continue ;; esac
  case $change in
    -*) rm -f "$dir/$id" ;;
    # a directory that was removed must not come back
    +*) [ -d "${dir%/*}" ] && mkdir -p "$dir" && { [ -s "$dir/$id" ] || date +%s >"$dir/$id"; } ;;
    =*) [ -d "${dir%/*}" ] && mkdir -p "$dir" && echo 0 >"$dir/$id" ;;
  esac
done 2>/dev/null
for f in "$dir"/*; do [ ! -s "$f" ] || echo "missing=$(cat "$f") ${f##*/}"; done
echo "now=$(date +%s)"
