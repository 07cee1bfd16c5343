# shellcheck shell=bash
# steps-token DIR BIN TOKEN_SECONDS: prints the token by which REANA's job controller submits steps to the pool in DIR, made
# at first use and whenever half of its life is over.
set -u
umask 077
dir=$1 bin=$2 lifetime=$3
export LC_ALL=C CONDOR_CONFIG=$dir/condor_config
token=$dir/steps.token
if [ ! -s "$token" ] || [ $(($(date +%s) - $(stat -c %Y "$token"))) -gt $((lifetime / 2)) ]; then
  "$bin/condor_token_create" -identity "reana-steps@$("$bin/condor_config_val" TRUST_DOMAIN)" -key POOL -lifetime "$lifetime" \
    -authz READ -authz WRITE >"$token.new" && mv "$token.new" "$token" || exit 9
fi
cat "$token"
