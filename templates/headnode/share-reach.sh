# shellcheck shell=bash
# share-reach PERSON: sshd runs this, and nothing else, for the key of a person with whom the cluster is shared
# (authorized_keys, command=). It passes one connection on to REANA's port on loopback, and takes no word from the client.
dir=${0%/share/*}
port=$(cat "$dir/edge/port") && exec 3<>"/dev/tcp/127.0.0.1/$port" || {
  echo 'REANA does not run on this headnode now' >&2
  exit 1
}
# sshd gave this command a session of its own, so these are its processes and no others
trap 'trap - TERM EXIT; kill 0' TERM EXIT
exec 4<&0
# a client may end its request before it has the answer; the edge closes a connection on which nobody asks
cat <&3 2>/dev/null &
answers=$!
cat <&4 >&3 2>/dev/null &
wait "$answers"
