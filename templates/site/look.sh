# shellcheck shell=bash
# look DIR: prints what the job on a compute node has reported so far, and the time on this machine
dir=$1
echo "now=$(date +%s)"
[ -d "$dir" ] || { echo gone=yes; exit 0; }
# a network file system updates its view when a directory is read
ls "$dir" "$dir/logs" >/dev/null 2>&1
[ ! -s "$dir/begun" ] || echo "begun=$(cat "$dir/begun")"
[ ! -s "$dir/report" ] || echo "report=$(base64 <"$dir/report" | tr -d '\n')"
for log in "$dir"/logs/*.out; do [ ! -s "$log" ] || echo "log=$(tail -c 60000 "$log" | base64 | tr -d '\n')"; done
exit 0
