#!/bin/bash
# enter.sh DIR [ADDRESS]: the only program that the cluster's key of the headnode may run on this login node. It starts the
# relay of the cluster whose directory is DIR (see login.sh, which is beside it), whatever else was asked for. Of what the
# headnode sent, it reads the marks after which the headnode listens (src/hosts/channel.ts), and the public key by which
# this end will know the headnode.
set -u
umask 077
export LC_ALL=C
marks='printf %s%s ([0-9a-f]{16}) ([0-9a-f]{16}) >&2;printf %s%s:%s: ([0-9a-f]{16}) ([0-9a-f]{16}) '
[[ ${SSH_ORIGINAL_COMMAND-} =~ $marks ]] && m=("${BASH_REMATCH[@]}") &&
  [[ $SSH_ORIGINAL_COMMAND =~ exec\ scailfin-relay\ (ecdsa-sha2-nistp256\ [A-Za-z0-9+/]{100,300}=?=?)\" ]] ||
  { echo "this key is for scailfin's relay, and for nothing else" >&2; exit 1; }
printf %s%s "${m[1]}" "${m[2]}" >&2
printf %s%s:%s: "${m[3]}" "${m[4]}" $$
exec env "SCAILFIN_RELAY=$1/relay" bash --norc "$1/relay/login.sh" "$1" "${BASH_REMATCH[1]}" ${2+"$2"}
