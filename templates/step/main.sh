# shellcheck shell=sh disable=SC2034,SC2154
# ---- all in order

phase runtime
give_secrets
give_proxy
runtime=none launcher=none
mkdir -p "$tree" 2>/dev/null
# below /tmp there must be something to mount it on
case $workspace in /tmp/*) mkdir -p "$own$workspace" ;; /var/tmp/*) mkdir -p "$tmp/${workspace#/var/tmp/}" ;; esac
choose
note runtime "$runtime"
[ -z "${version-}" ] || note runtime_version "$version"
[ "$runtime" = none ] || note image_source "$source"

phase inputs
if [ "$shared" = no ]; then
  attend get_inputs
  case $? in
    0) ;;
    162) fail 162 "$(last_words "$own/words")" ;;
    165) fail 165 "the disk of this node is full: the step's files do not fit in $scratch" ;;
    *) fail 166 "the step's files could not be laid out: $(last_words "$own/words")" ;;
  esac
  read -r bytes <"$own/bytes_in"
  note bytes_in "$bytes"
  fetched=0
  if [ -e "$own/fetched" ]; then while read -r bytes; do fetched=$((fetched + bytes)); done <"$own/fetched"; fi
  note bytes_fetched "$fetched"
  take_stock >"$own/before"
fi
# without a container the workspace is where it can be
if [ "$runtime" = none ]; then workspace=$tree; fi

# What is left of the way to the headnode's files is not the step's. HTCondor leaves its key where a step without a container
# would find it.
rm -f "$scratch/.chirp.config"
phase run
run_step
code=$?
# a start proved before may fail today
if [ "$code" != 0 ] && [ -n "${proved-}" ] && ! attend prove; then
  rm -f "$proved"
  fail 160 "$runtime ($program) could not start $image: $(last_words "$own/words")"
fi
note exit "$code"

phase outputs
remove "$tmp"
full=no
if [ "$code" != 0 ] && is_full "$tree"; then full=yes; fi
rm -f "$own/reserve"
if [ "$shared" = no ]; then
  put_outputs
  case $? in
    0) ;;
    165) fail 165 "the disk of this node is full: what the step made could not be packed in $scratch" ;;
    *) fail 163 "what the step made could not be packed: $(last_words "$own/words")" ;;
  esac
fi
[ "$full" = no ] || fail 165 "the disk of this node is full, and the step ended with status $code"
finish "$code"
