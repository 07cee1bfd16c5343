#!/bin/bash
# blahpd.sh: runs HTCondor's blahpd on a site. The headnode talks to it through SSH (or directly, if it is the login node
# itself). The cluster's key of the headnode may run only this script: either blahpd or, with the word `token`, the
# command that stores the token for the next glide-ins, or, with the word `refused`, the one that prints what glide-ins
# wrote down whose nodes were unfit. It writes only below its own directory and to that token.
dir=$(cd "$(dirname "$0")" && pwd -P) || exit 1
umask 077
[ ! -e "${dir%/*}/closed" ] || { echo "this cluster is being taken down" >&2; exit 75; }
# if the key allows only this command, sshd puts the command that was asked for into SSH_ORIGINAL_COMMAND
case ${1:-${SSH_ORIGINAL_COMMAND-}} in
  token | *' token')
    tokens=${dir%/*}/tokens
    mkdir -p "$tokens" && head -c 4000 >"$tokens/grown.new" && [ -s "$tokens/grown.new" ] && mv "$tokens/grown.new" "$tokens/grown"
    exit
    ;;
  refused | *' refused')
    cd "${dir%/*}/refused" 2>/dev/null || exit 0
    ls -t | head -n 100 | while IFS= read -r name; do
      [ -L "$name" ] || [ ! -f "$name" ] || echo "refused=$(head -c 1500 "./$name" | base64 | tr -d '\n')"
    done
    exit
    ;;
esac
# settings of the headnode's HTCondor must not reach the site's jobs
for name in $(compgen -e | grep -E '^_?CONDOR_'); do unset "$name"; done
# `down` finds blahpd and all its children by SCAILFIN_BOSCO
export SCAILFIN_BOSCO=$dir BLAHPD_LOCATION=$dir GLITE_LOCATION=$dir BLAHPD_CONFIG_LOCATION=$dir/etc/blah.config GAHP_TEMP=$dir/tmp
LD_LIBRARY_PATH=$(cat "$dir/etc/libraries")
export LD_LIBRARY_PATH
mkdir -p "$dir/tmp" && cd "$dir/tmp" || exit 1
# The holder of the key may submit, query and cancel the cluster's job script and nothing else. blahpd itself would run
# any script whose path is given as a type, and pass any option of a job on to the batch system.
permitted() {
  local line type once
  while IFS= read -r -n 65536 line; do
    line=${line%$'\r'}
    if [[ $line =~ ^(COMMANDS|VERSION|RESULTS|QUIT|ASYNC_MODE_ON|ASYNC_MODE_OFF)$ ]]; then printf '%s\r\n' "$line"
    elif [[ $line =~ ^BLAH_PING\ [0-9]+\ [a-z0-9_]+$ ]]; then printf '%s\r\n' "$line"
    elif [[ $line =~ ^BLAH_JOB_(STATUS|CANCEL|HOLD|RESUME)\ [0-9]+\ [a-z0-9_]+/[0-9]+/[0-9]+$ ]]; then printf '%s\r\n' "$line"
    elif [[ $line =~ ^BLAH_JOB_SUBMIT\ [0-9]+\ .*gridtype'\ =\ '\"([a-z0-9_]+)\" ]]; then
      type=${BASH_REMATCH[1]} once=
      # the job's own name, by which it is submitted only once
      if [[ $line =~ Args'\ =\ '\"([0-9]+-[0-9]+)\" ]]; then once='Args\ =\ "'${BASH_REMATCH[1]}'";\ '; fi
      [[ $line =~ ^BLAH_JOB_SUBMIT\ [0-9]+ ]]
      printf '%s %s\r\n' "${BASH_REMATCH[0]}" \
        '[\ Cmd\ =\ "/bin/true";\ '"$once"'In\ =\ "/dev/null";\ Out\ =\ "/dev/null";\ Err\ =\ "/dev/null";\ Iwd\ =\ "/";\ gridtype\ =\ "'"$type"'"\ ]'
    elif [ -n "$line" ]; then printf 'E\r\n' >&3
    fi
  done
}
# other machines behind the site's name can't see this process: as long as it runs, it is written down where
# shellcheck source=/dev/null
. "$dir/machine.sh"
on=$dir/on/$(uname -n).$$
mkdir -p "$dir/on" && machine >"$on" || exit 1
exec 3>&1
"$dir/bin/blahpd" < <(permitted) 3>&-
status=$?
rm -f "$on"
exit "$status"
