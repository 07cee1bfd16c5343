# shellcheck shell=bash
# token_revoked DIR: writes the file, included by the pool's configuration, that says which glide-ins' tokens the pool in
# DIR refuses
token_revoked() {
  local ids domain
  ids=$(grep -E '^[0-9a-f]{8}$' "$1/glideins/revoked" 2>/dev/null | sort -u)
  domain=$(sed -n 's/^TRUST_DOMAIN = //p' "$1/condor_config")
  {
    # the token's file exists as long as glide-ins may use it
    [ ! -s "$1/glidein.token" ] || grep -qxF old "$1/glideins/revoked" 2>/dev/null || echo "OLD_GLIDEIN = glidein@$domain"
    # tokens made by this scailfin are refused as soon as they are shown; connections opened with them, at their next
    # message
    if [ -n "$ids" ]; then
      echo "REVOKED = $(echo "$ids" | paste -sd,)"
      echo "SEC_TOKEN_REVOCATION_EXPR = regexp(\"^glidein-($(echo "$ids" | paste -sd'|'))-\", sub)"
      echo "DENY_ADVERTISE_STARTD = $(for id in $ids; do printf 'glidein-%s-*@%s, ' "$id" "$domain"; done | sed 's/, $//')"
    fi
  } >"$1/glideins.config.new" && mv "$1/glideins.config.new" "$1/glideins.config"
}
