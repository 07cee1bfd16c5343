# shellcheck shell=bash
# glideins-ended DIR SITE ID…: writes down which batch jobs of a site are over, as its batch system says, so that the pool in DIR
# does not wait for their glide-ins (shadows.sh)
set -u
umask 077
ended=$1/run/ended site=$2 now=$(date +%s)
shift 2
touch "$ended" || exit 1
for id; do
  # SITE, ID and when it was learned, between tabs
  [ -z "$(awk -F '\t' -v site="$site" -v id="$id" '$1 == site && $2 "" == id ""' "$ended")" ] || continue
  printf '%s\t%s\t%s\n' "$site" "$id" "$now" >>"$ended"
done
