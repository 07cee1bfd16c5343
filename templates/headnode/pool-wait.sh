# shellcheck shell=bash
# pool-wait DIR COUNT SECONDS: waits until COUNT glide-ins are in the pool in DIR, for at most SECONDS; then exits with 1, as it
# does if the pool can't be asked. So a laptop need not ask again and again.
dir=$1 count=$2 seconds=$3
for name in "${!_CONDOR_@}"; do unset "$name"; done
export CONDOR_CONFIG=$dir/condor_config LC_ALL=C
bin=$(sed -n 's/^BIN = //p' "$dir/found.config") || exit 1
SECONDS=0
while :; do
  there=$(timeout 10 "$bin/condor_status" -constraint 'SlotType == "Partitionable" && ScailfinLeft =!= True' -af Name) || exit 1
  [ "$(grep -c . <<<"$there")" -lt "$count" ] || exit 0
  [ "$SECONDS" -lt "$seconds" ] || exit 1
  # a queue may take hours: whoever has waited for long can wait a moment more
  if [ "$SECONDS" -lt 5 ]; then sleep 0.3; else sleep 1; fi
done
