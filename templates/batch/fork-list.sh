# shellcheck shell=sh
# fork-list DIR TAG: prints `live JOB` for each process with the tag, and `job JOB START WALLTIME EXIT CANCELLED` for each
# recorded job; `on JOB NAME BOOT` says on which machine it was started. (machine.sh is put before it.)
dir=$1 tag=$2
[ -r /proc/self/environ ] || { echo "processes can't be looked up: this machine has no /proc" >&2; exit 3; }
grep -lzx "SCAILFIN_TAG=$tag" /proc/[0-9]*/environ 2>/dev/null | while read -r file; do
  tr '\0' '\n' 2>/dev/null <"$file" | sed -n 's/^SCAILFIN_JOB=/live /p'
done | sort -u
for j in "$dir"/jobs/*/[0-9]*; do
  [ -f "$j/start" ] || continue
  id=${j%/*}
  echo "job ${id##*/}_${j##*/} $(cat "$j/start") $(cat "$j/exit" 2>/dev/null || echo -) $([ -e "$j/cancelled" ] && echo yes || echo no)"
  [ ! -r "${j%/*}/machine" ] || echo "on ${id##*/}_${j##*/} $(cat "${j%/*}/machine")"
done
echo "here $(machine)"
echo "now $(date +%s) $(hostname)"
