# shellcheck shell=sh disable=SC2034,SC2154
# ---- a session: a step whose input and output are connected with the edge (templates/session/channel.sh)

prepare_channel() {
  command -v bash >/dev/null || fail 166 'a session needs bash on its node, and there is none'
  [ -r "$scratch/.chirp.config" ] || fail 166 'HTCondor gave this session no way to the headnode'
  # in a container nobody sees this directory
  (umask 077 && cp "$scratch/.chirp.config" "$own/key" && mkfifo "$own/to" "$own/from") || fail 166 'the way to the headnode could not be made'
  channel_script >"$own/channel"
}
# both sides open the pipes in the same order
with_channel() {
  bash "$own/channel" "$session" "$own/key" "$own/batch" "$own/begin" >"$own/to" <"$own/from" 7>&- 9>&- &
  channel=$!
  ("$@") <"$own/to" >"$own/from"
  code=$?
  # what was said last gets there; if the headnode is away, nobody waits for it
  n=0
  while kill -0 "$channel" 2>/dev/null && [ "$n" -lt 50 ]; do
    n=$((n + 1))
    sleep 0.1
  done
  return "$code"
}
