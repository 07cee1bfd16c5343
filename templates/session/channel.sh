# shellcheck shell=bash
# channel DOWN KEY BATCH BEGIN: carries a session's batches between its container, which are this script's input and output, and the headnode
set -u
trap '' PIPE
export LC_ALL=C
# DOWN is the directory on the headnode from which batches come, each a file. KEY is the file by which HTCondor lets a job
# reach the headnode's files; it is removed here. BATCH is the name of a file for one batch. BEGIN is what the shell in the container reads first.
#
# Of all that a compute node has, this is the one way which every step needs anyway: through the glide-in's own connection to
# the pool, encrypted, also through a relay. It is chirp, HTCondor's protocol for files, as condor_chirp speaks it: a line asks,
# a line answers with a number, below 0 for an error. condor_chirp itself would take three processes for each look at a file.
down=$1 key=$2 batch=$3
cat "$4"
read -r host port cookie <"$key" || exit 1
rm -f "$key"
# a job may be started again on another node: what was meant for the one before is not for this one
read -r tag </proc/sys/kernel/random/uuid
tag=${tag%%-*} sent=0 got=0 told=0 held='' last=0 said=''

# ask LINE: sets `said` to the answer
ask() { printf '%s\n' "$1" >&4 && IFS= read -r said <&4; } 2>/dev/null
connect() {
  exec 4>&-
  { exec 4<>"/dev/tcp/$host/$port"; } 2>/dev/null && ask "cookie $cookie" && [ "$said" -ge 0 ]
}
# again: after the connection was lost, or the headnode was away
again() { until sleep 1 && connect; do :; done; }
# a file is complete when it has its last name, which says what has come from the headnode, too
deliver() {
  ask "putfile up.$tag.part 384 $1" && [ "$said" -ge 0 ] && cat "$batch" >&4 && IFS= read -r said <&4 && [ "$said" -eq "$1" ] &&
    ask "rename up.$tag.part up.$tag.$sent.$got" && [ "$said" -ge 0 ] && told=$got
}
# take BYTES: from the headnode to the container, whole or not at all
take() {
  head -c "$1" <&4 >"$batch" && [ "$(wc -c <"$batch")" -eq "$1" ] || return
  got=$((got + 1))
  cat "$batch"
  return 0
}

connect || again
while :; do
  # it waits for the container, and looks at the headnode's files in between: often while somebody works there
  idle=$((SECONDS - last)) nap=0.02
  if [ "$idle" -ge 60 ]; then nap=1; elif [ "$idle" -ge 10 ]; then nap=0.2; fi
  if IFS= read -r -t "$nap" part; then
    bytes=$held$part held='' last=$SECONDS sent=$((sent + 1))
    head -c "$bytes" >"$batch" || exit 1
    until deliver "$bytes" 2>/dev/null; do again; done
  elif [ $? -gt 128 ]; then
    held=$held$part
  else
    exit 0
  fi
  if ! ask "getfile $down/$tag.$((got + 1))"; then
    again
  elif [ "$said" -ge 0 ]; then
    last=$SECONDS
    take "$said" || again
    # the headnode sends no more before it knows that these have come
    if [ $((got - told)) -ge 4 ]; then
      : >"$batch"
      sent=$((sent + 1))
      until deliver 0 2>/dev/null; do again; done
    fi
  fi
done
