# shellcheck shell=bash
# logs DIR [ID]: prints the last lines of each glide-in's own log or, with ID, everything that this glide-in and its
# HTCondor wrote
dir=$1/logs id=${2:-}
[ -d "$dir" ] || { echo "there are no logs: $dir is not there" >&2; exit 1; }
show() { [ ! -s "$1" ] || { printf '==> %s <==\n' "${1#"$dir"/}"; "$2" "$3" "$4" "$1"; printf '\n'; }; }
if [ -z "$id" ]; then
  for f in "$dir"/*/glidein.log; do show "$f" tail -n 5; done
  # a glide-in that ended before it had a log of its own left only its batch job's output
  for f in "$dir"/*.out; do o=${f##*/}; [ -e "$dir/${o%.out}/glidein.log" ] || compgen -G "$dir/${o%.out}@*/glidein.log" >/dev/null || show "$f" tail -n 5; done
else
  [ -n "$(find "$dir" -maxdepth 1 \( -name "$id" -o -name "$id.out" -o -name "$id@*" \) -print -quit)" ] || { echo "no glide-in $id has written a log; there are: $(ls "$dir" | sed 's/\.out$//' | sort -u | tr '\n' ' ')" >&2; exit 1; }
  show "$dir/$id.out" tail -n 2000
  # a job of several nodes has a directory for each
  for d in "$dir/$id" "$dir/$id"@*; do
    for f in "$d/glidein.log" "$d/master.out" "$d"/*Log "$d"/StarterLog.* "$d"/*/master.out "$d"/*/*Log "$d"/*/StarterLog.*; do show "$f" tail -n 2000; done
  done
fi
