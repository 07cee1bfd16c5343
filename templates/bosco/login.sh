# shellcheck shell=bash
# bosco-login DIR own | there: makes the cluster's key in DIR (one site's directory on the headnode), if the cluster needs
# a key of its own, and prints its public half as key=TYPE BASE64
set -u
umask 077
if [ "$2" = there ]; then rm -f "$1/key" "$1/key.pub"; exit 0; fi
[ -s "$1/key" ] || { rm -f "$1/key" && ssh-keygen -q -t ed25519 -N '' -C scailfin -f "$1/key" </dev/null >&2 || exit 1; }
echo "key=$(cut -d' ' -f1,2 "$1/key.pub")"
