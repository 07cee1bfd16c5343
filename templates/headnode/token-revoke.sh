# shellcheck shell=bash
# token-revoke DIR ID…: revokes tokens of the pool in DIR, at once and for good; jobs that run on machines that joined
# with them return to the queue. ID is a submission's id, or `old`: the token that an older scailfin gave to all
# glide-ins.
set -u
umask 077
dir=$1
shift
for name in "${!_CONDOR_@}"; do unset "$name"; done
export CONDOR_CONFIG=$dir/condor_config LC_ALL=C
PATH=$(sed -n 's/^BIN = //p' "$dir/found.config"):$(sed -n 's/^SBIN = //p' "$dir/found.config"):$PATH
mkdir -p "$dir/glideins" || exit 1
printf '%s\n' "$@" >>"$dir/glideins/revoked"
token_revoked "$dir" || exit 1
# where the pool grows by itself, the next submission makes a new token
rm -f "$dir"/bosco/*/token
# only these three: some daemons of the master would restart with a new configuration. The negotiator can't be found in the collector
# at any time, so it is told by its process, of whose name the kernel keeps 15 characters
grep -lzxF "CONDOR_CONFIG=$CONDOR_CONFIG" /proc/[0-9]*/environ 2>/dev/null | while read -r f; do
  [ "$(cat "${f%/environ}/comm" 2>/dev/null)" != condor_negotiat ] || kill -HUP "$(basename "${f%/environ}")"
done
for daemon in collector schedd; do timeout 20 condor_reconfig -daemon "$daemon" >/dev/null || exit 1; done
for id; do
  # HTCondor exits with 1 if there is no job to vacate
  case $id in old) where='!regexp("[.][0-9a-f]{8}@", RemoteHost)' ;; *) where="regexp(\"[.]$id@\", RemoteHost)" ;; esac
  timeout 20 condor_vacate_job -fast -constraint "$where" >/dev/null 2>&1
done
exit 0
