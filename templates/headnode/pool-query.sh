# shellcheck shell=bash
# pool-query DIR: prints whether the pool runs, its slots, and its jobs; each part comes after a line of its own
dir=$1
for name in "${!_CONDOR_@}"; do unset "$name"; done
export CONDOR_CONFIG=$dir/condor_config LC_ALL=C
[ -r "$dir/found.config" ] || { echo 'pool=none'; exit 0; }
alive=$(grep -lzxF "CONDOR_CONFIG=$CONDOR_CONFIG" /proc/[0-9]*/environ 2>/dev/null | while read -r f; do { read -r comm <"${f%/environ}/comm"; } 2>/dev/null && [ "$comm" = condor_collecto ] && echo yes; done)
[ -n "$alive" ] || { echo 'pool=dead'; exit 0; }
echo 'pool=alive'
# whoever listens there must be this user (proc_pid_net(5))
listens() { [ "$(awk -v port=":$(printf '%04X' "$1")$" '$4 == "0A" && $2 ~ port { print $8; exit }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)" = "$(id -u)" ]; }
if [ -r "$dir/edge/port" ]; then listens "$(cat "$dir/edge/port")" && echo 'edge=alive' || echo 'edge=dead'; fi
echo "now=$(date +%s)"
if [ -r "$dir/bosco/grow.pid" ]; then
  grep -qzxF "$dir/bosco/grow.sh" "/proc/$(cat "$dir/bosco/grow.pid")/cmdline" 2>/dev/null && echo 'grow=alive'
  for state in "$dir"/bosco/*/state; do [ ! -r "$state" ] || echo "growth=$(base64 <"$state" | tr -d '\n')"; done
fi
for state in "$dir"/relay/state/*.json; do [ ! -r "$state" ] || echo "relay=$(base64 <"$state" | tr -d '\n')"; done
if [ -r "$dir/relay.config" ]; then
  grep -qzF "$dir/relay/program" "/proc/$(cat "$dir/relay/relay.pid" 2>/dev/null)/cmdline" 2>/dev/null && echo 'relays=alive' || echo 'relays=dead'
  seen=$(stat -c %Y "$dir/relay/alive" 2>/dev/null) && echo "relaysSeen=$seen"
fi
PATH=$(sed -n 's/^BIN = //p' "$dir/found.config"):$PATH
token_list "$dir"
echo '== slots'
# a slot's own ad says what runs in it; ads of its dynamic slots stay for a while after their end
timeout 30 condor_status -json -constraint 'SlotType =!= "Dynamic" && ScailfinLeft =!= True' \
  -attributes Name,Machine,TotalSlotCpus,TotalSlotMemory,ChildActivity,ChildCpus,AuthenticatedIdentity,ScailfinGlidein,ScailfinSite,ScailfinEnds,LastHeardFrom || echo 'failed'
echo '== jobs'
# glide-ins that the pool itself submits do not count as jobs of its users
timeout 30 condor_q -totals -constraint 'ScailfinBosco =?= undefined' || echo 'failed'
# jobs by the person whose steps they are, if the cluster is shared: `person=COUNT STATUS NAME`, without a name the owner's
if grep -q '"id"' "$dir/edge/people.json" 2>/dev/null; then
  timeout 30 condor_q -constraint 'ScailfinBosco =?= undefined' -format '%d ' JobStatus -format '%s' ScailfinPerson -format '\n' ClusterId |
    sort | uniq -c | sed 's/^ */person=/'
fi
