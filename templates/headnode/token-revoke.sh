# shellcheck shell=bash
# token-revoke DIR ID…: makes tokens of the pool in DIR good for nothing, at once and for good; jobs that run on machines which
# came by them are taken back. ID is a submission's, or `old`: what an older scailfin gave all glide-ins alike.
set -u
umask 077
dir=$1
shift
for name in $(compgen -e | grep '^_CONDOR_'); do unset "$name"; done
export CONDOR_CONFIG=$dir/condor_config LC_ALL=C
PATH=$(sed -n 's/^BIN = //p' "$dir/found.config"):$(sed -n 's/^SBIN = //p' "$dir/found.config"):$PATH
mkdir -p "$dir/glideins" || exit 1
printf '%s\n' "$@" >>"$dir/glideins/revoked"
token_revoked "$dir" || exit 1
# where the pool grows by itself, what is submitted next comes by a new one
rm -f "$dir"/bosco/*/token
# these alone: the master has daemons to which a new configuration is a new start
for daemon in collector schedd negotiator; do timeout 20 condor_reconfig -daemon "$daemon" >/dev/null || exit 1; done
for id; do
  # HTCondor says 1 where no job is to be vacated
  case $id in old) where='!regexp("[.][0-9a-f]{8}@", RemoteHost)' ;; *) where="regexp(\"[.]$id@\", RemoteHost)" ;; esac
  timeout 20 condor_vacate_job -fast -constraint "$where" >/dev/null 2>&1
done
exit 0
