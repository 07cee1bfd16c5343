# shellcheck shell=bash
# key DIR "TYPE BASE64": lets the cluster's key of the headnode log in for one purpose: to talk to the cluster's blahpd
# here
set -u
umask 077
dir=$1 key=$2
bosco_forget "$dir"
[ -d "$HOME/.ssh" ] || { mkdir "$HOME/.ssh" && touch "$dir/bosco/made-ssh"; } || exit 1
keys=$HOME/.ssh/authorized_keys
[ -e "$keys" ] || { : >"$keys" && touch "$dir/bosco/made-keys"; } || exit 1
keys=$(readlink -f "$keys") || exit 1
# the new line comes first, so that a last line without a newline stays as it is
cp -p "$keys" "$keys.scailfin.$$" || exit 1
{ printf 'restrict,command="bash --norc %s/bosco/blahpd.sh" %s scailfin:%s\n' "$dir" "$key" "$dir"; cat "$keys"; } >"$keys.scailfin.$$" &&
  mv "$keys.scailfin.$$" "$keys" && exit 0
rm -f "$keys.scailfin.$$"
exit 1
