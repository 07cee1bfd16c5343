# shellcheck shell=bash
# grow.sh DIR: keeps as many glide-ins at each site below DIR/bosco as the pool's idle jobs can use, between the site's
# min and max. The pool's master runs it; HTCondor submits and watches the glide-ins (grid universe). What it finds and
# does is in each site's file `state`. If something can't be queried, it is unknown, and nothing changes.
set -u
umask 077
dir=$1 bosco=$1/bosco
export CONDOR_CONFIG=$dir/condor_config LC_ALL=C
PATH=$(sed -n 's/^BIN = //p' "$dir/found.config"):$PATH
echo "$$" >"$bosco/grow.pid"
trap 'exit 0' TERM INT QUIT HUP
touch "$dir/run/ended" || exit 1
asked=$(mktemp -d "$bosco/asked-XXXXXX") || exit 1
trap 'rm -rf "$asked"' EXIT

# pause: seconds between rounds; patience: rounds after which a queued glide-in that no job needs is cancelled
pause=5 patience=6
# many: how many entries are remembered of each kind; large: the largest size of a log in bytes. Nodes and sites may send
# anything, as often as they want
many=20000 large=1000000
# if so many nodes are unfit and none is fit, the others will not be fit either
unfit_nodes=3
# the first and the longest pause after a glide-in that failed, in seconds
first=30 longest=3600

ask() {
  local age='time() - EnteredCurrent'
  timeout 30 condor_status -constraint 'SlotType == "Partitionable" && ScailfinGlidein =!= undefined && ScailfinLeft =!= True && time() - LastHeardFrom < 50' \
    -af:t ScailfinSite ScailfinGlidein Cpus Memory TotalSlotCpus 'Start =?= true' "${age}Activity" TotalSlotMemory LastHeardFrom >"$asked/slots" &&
    timeout 30 condor_q -allusers -constraint 'ScailfinBosco =!= undefined && JobUniverse == 9' \
      -af:t ScailfinBosco 'strcat(ClusterId, ".", ProcId)' JobStatus GridJobId NumHolds GridResourceUnavailableTime HoldReason >"$asked/raw" &&
    # of `batch TYPE SANDBOX slurm/DATE/ID` keep the id in the batch system. Texts from outside may contain line ends and
    # tabs: any line that does not look like a line of this query is dropped
    awk -F '\t' -v OFS='\t' '$2 !~ /^[0-9]+\.[0-9]+$/ || $3 !~ /^[0-9]$/ || $5 !~ /^([0-9]+|undefined)$/ { next }
      { if ($4 !~ / [^ ]*\/[0-9]+$/) $4 = "-"; sub(/.*\//, "", $4); print }' "$asked/raw" >"$asked/grid" &&
    timeout 30 condor_q -allusers -constraint 'JobStatus == 1 && JobUniverse == 5' \
      -af:t RequestCpus RequestMemory 'strcat(ClusterId, ".", ProcId)' "${age}Status" 'time() - LastRejMatchTime' 'unparse(Requirements)' >"$asked/any" &&
    sort -rn "$asked/any" >"$asked/idle"
}
of_site() { awk -F '\t' -v site="$site" '$1 == site' "$asked/$1"; }

# weigh: makes a plan for the site (what is there, how many to submit, which to remove); only numbers and ids are read
# from it
weigh() {
  local name value
  while IFS='=' read -r name value; do
    case $name in
      submit | seen_cores | seen_memory | queued | running | held | joined | waiting | unfit)
        [[ $value =~ ^-?[0-9]{1,12}$ ]] && printf -v "$name" %s "$value" ;;
      remove) [[ $value =~ ^[0-9.\ ]*$ ]] && remove=$value ;;
      away) away=${value:+yes} ;;
      fresh) [[ $value =~ ^[0-9]+' '[0-9.]+$ ]] && printf '%s\n' "${value/ /$'\t'}" >>"$here/unfit" ;;
    esac
  done < <(awk -F '\t' -v site="$site" -v min="$min" -v max="$max" -v nodes="$nodes" -v cores="$cores" -v memory="$memory" -v now="$(date +%s)" \
    -v seen_cores="$seen_cores" -v seen_memory="$seen_memory" -f "$bosco/weigh.awk" "$here/unfit" "$dir/run/ended" "$asked/slots" "$asked/grid" "$asked/idle")
}

# failed REASON: some glide-ins failed. No more are submitted for a while, longer each time, so that they do not use up
# the allocation
failed() {
  # the site's message may be very long
  reason=${1:0:600}
  [ "$(date +%s)" -ge "$retry" ] || return 0
  failures=$((failures + 1))
  local wait=$((first << (failures < 8 ? failures - 1 : 7)))
  retry=$(($(date +%s) + (wait < longest ? wait : longest)))
}

# refusals: prints what glide-ins at the site wrote down whose nodes were unfit, as JOB, NODE and REASON between tabs. Nodes
# may write anything
refusals() {
  local text
  timeout 60 "$here/gahp" refused </dev/null 2>/dev/null | head -c 300000 | sed -n 's/^refused=\([A-Za-z0-9+/]*=*\)$/\1/p' |
    while IFS= read -r text; do
      base64 -d <<<"$text" 2>/dev/null | tr '\t' ' ' | awk -F = -v OFS='\t' '{ key = $1; sub(/^[^=]*=/, ""); said[key] = $0 }
        END { if (said["node"] != "") print said["job"], said["node"], said["reason"] }'
    done | LC_ALL=C tr -cd '[:print:]\t\n'
}

# absent JOB: a glide-in ended before it joined. If several nodes were unfit since one was fit, no more are submitted until
# the site's settings are written again, by `scailfin up` or `scailfin scale`
absent() {
  local remote=$1 own node count
  own=$(refusals | awk -F '\t' -v id="$remote" '$1 == id || index($1, id "_") == 1 { print $2 ": " $3; exit }')
  [ -n "$own" ] || { failed "glide-in $remote ended before it joined; \`scailfin logs\` shows what it said"; return 0; }
  node=$(tr -cd 'a-zA-Z0-9._-' <<<"${own%%: *}")
  case " $unfits " in *" $node "*) ;; *) unfits="$unfits $node" ;; esac
  count=$(wc -w <<<"$unfits")
  if [ "$count" -ge "$unfit_nodes" ] && [ "$(of_site slots | wc -l)" = 0 ]; then
    stopped=$(stat -c %Y "$here/settings") failures=$((failures + 1))
    reason="$count nodes in a row can't be part of the pool, so no more glide-ins are submitted; ${own:0:600}"
  else failed "glide-in $remote did not join, because its node is unfit; $own"; fi
}

# judges glide-ins that left the queue since the last round, and those that are held. Their end is
# written down, because the pool may learn it much later (shadows.sh); those that never joined failed
judge() {
  local id state remote holds why
  of_site slots | cut -f 2 | sort -u - "$here/joined" | tail -n "$many" >"$here/joined.new" && mv "$here/joined.new" "$here/joined"
  of_site grid | cut -f 2,4 >"$here/grid.new"
  while IFS=$'\t' read -r id remote; do
    if cut -f 1 "$here/grid.new" | grep -qxF "$id"; then continue; fi
    [ "$remote" = - ] || printf '%s\t%s\t%s\n' "$site" "$remote" "$(date +%s)" >>"$dir/run/ended"
    if grep -qxF "$id" "$here/removed"; then continue; fi
    if grep -qxE "${remote}(_[0-9]+)?" "$here/joined"; then continue; fi
    absent "$remote"
  done <"$here/grid"
  mv "$here/grid.new" "$here/grid"
  while IFS=$'\t' read -r _ id state remote holds _ why; do
    [ "$state" = 5 ] || continue
    # of `submission command failed (exit code = 1) (stdout:…) (stderr:…)` keep the site's own message
    case $why in *'(stderr:'?*) why=${why##*(stderr:} why=${why%)*} why=${why%-Error from sbatch*} ;; esac
    grep -qxF "$id" "$here/held" || { echo "$id" >>"$here/held"; failed "a glide-in is held: $why"; }
    case $remote in
      # the batch system has this job; only the query failed
      [0-9]*) if [ "$holds" -le 3 ]; then [ "$(date +%s)" -lt "$retry" ] || condor_release "$id"; continue; fi ;;
    esac
    remove "$id"
  done < <(of_site grid)
}

# Glide-ins that are submitted now use a token made now or within the last hour. The site gets the token the same way as
# its jobs. It lasts for the longest wait plus the walltime; a glide-in that starts later reads the newest token
token() {
  [ -z "$(find "$here/token" -mmin -60 2>/dev/null)" ] || return 0
  bash "$bosco/token-make.sh" "$dir" "$site" "$token_label" "$token_lifetime" "$most_cores" "$most_memory" >"$here/token.new" &&
    timeout 60 "$here/gahp" token <"$here/token.new" >/dev/null && : >"$here/token.new" && mv "$here/token.new" "$here/token"
}

remove() {
  printf '%s\n' "$@" >>"$here/removed"
  timeout 30 condor_rm "$@"
}

tend() {
  # shellcheck disable=SC2034  # for ${!name} below
  local queued=0 running=0 held=0 joined=0 waiting=0 unfit=0
  local here=$1 site min max nodes walltime cores memory failures=0 retry=0 reason='' submit=0 remove='' surplus=0 lacking=0 why='' away='' ended='' spent='' submitted=0
  local stopped='' unfits='' seen_cores=0 seen_memory=0 token_lifetime token_label most_cores most_memory
  # shellcheck disable=SC1091
  . "$here/settings"
  # shellcheck disable=SC1091
  [ ! -r "$here/memory" ] || . "$here/memory"
  [ ! -r "$here/submitted" ] || submitted=$(tr -cd '0-9' <"$here/submitted")
  touch "$here/grid" "$here/joined" "$here/held" "$here/removed" "$here/unfit"
  local before=$reason
  # who came into the pool proves that the site works
  if of_site slots | cut -f 2 | grep -vqxFf "$here/joined"; then failures=0 retry=0 reason='' stopped='' unfits=''; fi
  # new settings are tried with one glide-in
  [ -z "$stopped" ] || [ "$stopped" = "$(stat -c %Y "$here/settings")" ] || stopped='' unfits='' failures=1 retry=0 reason=''
  judge
  weigh
  # a job on its way to a core that is no longer free looks like one that needs another for a moment: it must persist
  local short=$submit
  [ "$joined" = 0 ] || [ "$submit" -le "$lacking" ] || submit=$lacking
  lacking=$short
  # with a proxy that ends before they do, their jobs would fail one by one
  [ ! -s "$dir/x509up.ends" ] || [ $(($(date +%s) + walltime)) -le "$(cat "$dir/x509up.ends")" ] || ended=yes submit=0
  [ -z "$stopped" ] || submit=0
  # node-hours are limited: each glide-in counts with its whole walltime
  [ -z "${most_jobs-}" ] || [ "$((${submitted:-0} + submit))" -le "$most_jobs" ] || { submit=$((most_jobs > ${submitted:-0} ? most_jobs - ${submitted:-0} : 0)) spent=yes; }
  # after a failure one goes first, to see
  [ "$failures" = 0 ] || [ "$submit" -lt 1 ] || submit=1
  if [ "$submit" -gt 0 ] && [ "$(date +%s)" -ge "$retry" ] && { [ "$failures" = 0 ] || [ "$queued" = 0 ]; }; then
    why=$(token 2>&1) || { failed "the site did not take the glide-ins' token: $(tail -n 1 "$here/gahp.err" 2>/dev/null | grep . || echo "${why//$'\n'/; }")"; submit=0; }
    # counted before it is done
    [ "$submit" = 0 ] || { echo "$((${submitted:-0} + submit))" >"$here/submitted.new" && mv "$here/submitted.new" "$here/submitted"; } || submit=0
    [ "$submit" = 0 ] || why=$(timeout 60 condor_submit "$here/glidein.sub" -append "arguments = $(date +%s%N)-\$(Process)" -queue "$submit" 2>&1 >/dev/null) || failed "HTCondor did not take the glide-ins: ${why//$'\n'/; }"
  fi
  if [ -n "$remove" ]; then surplus=$((surplus + 1)); else surplus=0; fi
  if [ "$surplus" -ge "$patience" ] || [ $(((queued + running) * nodes)) -gt "$max" ] && [ -n "$remove" ]; then
    # shellcheck disable=SC2086
    remove $remove
    surplus=0
  fi
  if [ -n "$ended" ]; then
    reason="the cluster's proxy ends before a glide-in would, so none is submitted: scailfin proxy renew"
  elif [ -n "$spent" ]; then
    reason="its node-hours are used or promised to glide-ins, so no more are submitted; to allow more: scailfin scale NAME --max-node-hours H"
  elif [ -n "$away" ]; then
    reason="the site can't be submitted to: $(tail -n 1 "$here/gahp.err" 2>/dev/null | cut -c 1-600 | grep . || echo 'its batch system does not answer')"
  else case $reason in "the site can't be submitted to: "* | "the cluster's proxy ends "* | 'its node-hours '*) reason= ;; esac; fi
  [ "$reason" = "$before" ] || echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $site: ${reason:-all is well again}"
  for name in failures retry reason stopped unfits surplus lacking seen_cores seen_memory; do printf '%s=%q\n' "$name" "${!name}"; done >"$here/memory"
  {
    echo "at=$(date +%s)"
    for name in site min max queued running held joined waiting unfit failures retry; do echo "$name=${!name}"; done
    echo "stopped=${stopped:+yes}"
    echo "reason=${reason//$'\n'/; }"
  } >"$here/state.new" && mv "$here/state.new" "$here/state"
}

# the newer half of a file that has become long
halve() { [ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -le "$large" ] || { tail -c $((large / 2)) "$1" >"$1.half" && cat "$1.half" >"$1"; rm -f "$1.half"; }; }

while [ ! -e "$bosco/stopped" ]; do
  for log in "$bosco/grow.out" "$bosco"/*/held "$bosco"/*/removed "$bosco"/*/unfit "$dir/run/ended"; do halve "$log"; done
  if ask; then
    for settings in "$bosco"/*/settings; do tend "${settings%/settings}"; done
    touch "$bosco/round"
  fi
  sleep "$pause" &
  wait $!
done
