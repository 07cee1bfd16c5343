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
mkdir -p "$dir/tmp" && cd "$dir/tmp" || exit 1
# who has the key may start, see and end what the cluster's job script is, and nothing else: blahpd would run any script whose
# path is given as a type, and hand any option of a job's on to the batch system
permitted() {
  local line type
  while IFS= read -r -n 65536 line; do
    line=${line%$'\r'}
    if [[ $line =~ ^(COMMANDS|VERSION|RESULTS|QUIT|ASYNC_MODE_ON|ASYNC_MODE_OFF)$ ]]; then printf '%s\r\n' "$line"
    elif [[ $line =~ ^BLAH_PING\ [0-9]+\ [a-z0-9_]+$ ]]; then printf '%s\r\n' "$line"
    elif [[ $line =~ ^BLAH_JOB_(STATUS|CANCEL|HOLD|RESUME)\ [0-9]+\ [a-z0-9_]+/[0-9]+/[0-9]+$ ]]; then printf '%s\r\n' "$line"
    elif [[ $line =~ ^BLAH_JOB_SUBMIT\ [0-9]+\ .*gridtype'\ =\ '\"([a-z0-9_]+)\" ]]; then
      type=${BASH_REMATCH[1]}
      [[ $line =~ ^BLAH_JOB_SUBMIT\ [0-9]+ ]]
      printf '%s %s\r\n' "${BASH_REMATCH[0]}" \
        '[\ Cmd\ =\ "/bin/true";\ In\ =\ "/dev/null";\ Out\ =\ "/dev/null";\ Err\ =\ "/dev/null";\ Iwd\ =\ "/";\ gridtype\ =\ "'"$type"'"\ ]'
    elif [ -n "$line" ]; then printf 'E\r\n' >&3
    fi
  done
}
exec 3>&1
exec "$dir/bin/blahpd" < <(permitted) 3>&-
