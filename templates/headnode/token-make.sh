# shellcheck shell=bash
# token-make DIR SITE LABEL SECONDS CORES MEMORY: makes a token for one submission of glide-ins, signed by the key of the
# pool in DIR, and prints it. The token can only advertise machines of this submission, each of at most CORES and MEMORY
# (MiB; 0 means no limit), and expires after SECONDS. Its description is kept in DIR/glideins/ID, the token itself is not.
# Exits with 9 and HTCondor's error if it fails.
set -u
umask 077
dir=$1 site=$2 label=$3 seconds=$4 cores=$5 memory=$6
for name in "${!_CONDOR_@}"; do unset "$name"; done
export CONDOR_CONFIG=$dir/condor_config LC_ALL=C
bin=$(sed -n 's/^BIN = //p' "$dir/found.config")
domain=$(sed -n 's/^TRUST_DOMAIN = //p' "$CONDOR_CONFIG")
id=$(od -An -N4 -tx1 /dev/urandom | tr -d ' \n')
made=$(date +%s)
until=$((made + seconds))
mkdir -p "$dir/glideins" || exit 9
printf '%s=%s\n' site "$site" label "$label" made "$made" until "$until" cores "$cores" memory "$memory" >"$dir/glideins/$id" || exit 9
"$bin/condor_token_create" -identity "glidein-$id-$until-$cores-$memory@$domain" -key POOL -lifetime "$seconds" -authz ADVERTISE_STARTD || {
  rm -f "$dir/glideins/$id"
  exit 9
}
