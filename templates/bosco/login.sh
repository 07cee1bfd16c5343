# shellcheck shell=bash
# bosco-login DIR own | there: makes the cluster's key in DIR (a site's, on the headnode), where it is to have one of its own,
# and prints key=TYPE BASE64, its public half
set -u
umask 077
if [ "$2" = there ]; then rm -f "$1/key" "$1/key.pub"; exit 0; fi
[ -s "$1/key" ] || { rm -f "$1/key" && ssh-keygen -q -t ed25519 -N '' -C scailfin -f "$1/key" </dev/null >&2 || exit 1; }
echo "key=$(cut -d' ' -f1,2 "$1/key.pub")"
