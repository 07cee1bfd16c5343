# shellcheck shell=bash
# workers-keep DIR NAME COUNT: has COUNT workers of the framework NAME as jobs of the pool in DIR, no more and no fewer. Their
# description is workers.sub in DIR/workers/NAME; they get what is in tree there. Workers with another description are replaced.
set -u
umask 077
export LC_ALL=C
dir=$1 name=$2 count=$3
home=$dir/workers/$name
for variable in "${!_CONDOR_@}"; do unset "$variable"; done
export CONDOR_CONFIG=$dir/condor_config
PATH=$(sed -n 's/^BIN = //p' "$dir/found.config"):$PATH

# the list of the files in the form of the wrapper, and the files themselves
{
  echo 'probe - -'
  (cd "$home/tree" && find . -type f -printf '%P\n' | sort | while IFS= read -r file; do
    read -r hash _ < <(sha256sum <"$file")
    printf '%s %s f %s\n' "$hash" "$(stat -c '%s %a' "$file")" "$(printf %s "$file" | base64 -w 0)"
  done)
} >"$home/manifest.new" && mv "$home/manifest.new" "$home/manifest" || exit 1
tar -cf "$home/small.tar.new" -C "$home/tree" . && mv "$home/small.tar.new" "$home/small.tar" || exit 1
# what is for other frameworks, in the directory `others`, is no reason to end what runs: it is there when the worker starts again
sum=$(grep -v ' f b3RoZXJzL' "$home/manifest" | cat "$home/workers.sub" "$home/step.sh" "$home/step.env" - | sha256sum | cut -c 1-16)

there=$(timeout 60 condor_q -constraint "ScailfinWorker == \"$name\" && JobStatus != 3" -af:t ScailfinWorkerNumber ScailfinWorkerSum ClusterId ProcId) ||
  { echo 'the pool could not be asked for its jobs' >&2; exit 1; }
awk -v count="$count" -v sum="$sum" 'NF == 4 && ($1 > count || $2 != sum || seen[$1]++) { print $3 "." $4 }' <<<"$there" |
  xargs -r timeout 60 condor_rm >/dev/null || exit 1
wanted=$(awk -v count="$count" -v sum="$sum" 'NF == 4 && $2 == sum { is[$1] } END { for (n = 1; n <= count; n++) if (!(n in is)) print n }' <<<"$there")
if [ -n "$wanted" ]; then
  for number in $wanted; do mkdir -p "$home/$number/job"; done
  { echo "sum = $sum"; cat "$home/workers.sub"; echo 'queue number from ('; printf '%s\n' "$wanted"; echo ')'; } >"$home/submit"
  timeout 60 condor_submit -terse "$home/submit" >/dev/null || exit 1
fi
# whoever asks for workers means to use them
touch "$home/used"
# the master reads its configuration again
kill -HUP "$(cat "$dir/run/master.pid")" || exit 1
echo "workers=$count"
