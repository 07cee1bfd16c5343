#!/bin/bash
# blahpd.sh: HTCondor's blahpd on a site, which the headnode talks to through SSH (or directly, on the login node itself).
# All that the cluster's key of the headnode may run here is this: blahpd, or with the word token, what keeps the token by which
# the next glide-ins come. Whatever it writes is below its own directory, or that token.
dir=$(cd "$(dirname "$0")" && pwd -P) || exit 1
umask 077
[ ! -e "${dir%/*}/closed" ] || { echo "this cluster is being taken down" >&2; exit 75; }
# sshd says here what was to be run, where the key allows this alone
case ${1:-${SSH_ORIGINAL_COMMAND-}} in
  token | *' token')
    tokens=${dir%/*}/tokens
    mkdir -p "$tokens" && head -c 4000 >"$tokens/grown.new" && [ -s "$tokens/grown.new" ] && mv "$tokens/grown.new" "$tokens/grown"
    exit
    ;;
esac
# what HTCondor on the headnode tells its own children must not reach the site's jobs
for name in $(compgen -e | grep -E '^_?CONDOR_'); do unset "$name"; done
# by SCAILFIN_BOSCO `down` finds it and all that it runs
export SCAILFIN_BOSCO=$dir BLAHPD_LOCATION=$dir GLITE_LOCATION=$dir BLAHPD_CONFIG_LOCATION=$dir/etc/blah.config GAHP_TEMP=$dir/tmp
LD_LIBRARY_PATH=$(cat "$dir/etc/libraries")
export LD_LIBRARY_PATH
mkdir -p "$dir/tmp" && cd "$dir/tmp" && exec "$dir/bin/blahpd"
