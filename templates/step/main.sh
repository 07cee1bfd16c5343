# shellcheck shell=sh disable=SC2034,SC2154
# ---- the phases in their order

phase runtime
give_secrets
give_proxy
runtime=none launcher=none
# below /tmp a directory is needed as mount point
case $workspace in /tmp/*) mkdir -p "$own$workspace" ;; /var/tmp/*) mkdir -p "$tmp/${workspace#/var/tmp/}" ;; esac
if [ -n "${SCAILFIN_ADD-}" ]; then
  add_to_store "$SCAILFIN_ADD"
  finish 0
fi
[ "${SCAILFIN_PULL-}" = only ] || check_binds
choose
note runtime "$runtime"
[ -z "${version-}" ] || note runtime_version "$version"
[ "$runtime" = none ] || note image_source "$source"

[ "${SCAILFIN_PULL-}" != only ] || finish 0

phase inputs
if [ "$shared" = no ]; then
  bytes=0 fetched=0
  : >"$own/wanted"
  if [ -n "$first" ]; then
    attend get_inputs
    case $? in
      0) ;;
      162) fail 162 "$(last_words "$own/words")" ;;
      165) fail 165 "the disk of this node is full: the step's files do not fit in $scratch" ;;
      *) fail 166 "the step's files could not be put in place: $(last_words "$own/words")" ;;
    esac
    read -r bytes <"$own/bytes_in"
  fi
  note bytes_in "$bytes"
  if [ -e "$own/fetched" ]; then while read -r bytes; do fetched=$((fetched + bytes)); done <"$own/fetched"; fi
  note bytes_fetched "$fetched"
  take_stock >"$own/before"
fi
# without a container the workspace is wherever the files were put
if [ "$runtime" = none ]; then workspace=$tree; fi

[ -z "${session-}" ] || prepare_channel
# The step must not use the channel to the headnode's files. HTCondor leaves its key where a step without a container
# would find it.
[ ! -e "$scratch/.chirp.config" ] || rm -f "$scratch/.chirp.config"
phase run
run_step
code=$?
# a runtime that worked before may fail today
if [ "$code" != 0 ] && [ -n "${proved-}" ] && ! attend prove; then
  rm -f "$proved"
  fail 160 "$runtime ($program) could not start $image: $(last_words "$own/words")"
fi
note exit "$code"

phase outputs
if holds "$tmp" "$tmp/home" || holds "$tmp/home"; then remove "$tmp"; fi
full=no
if [ "$code" != 0 ] && is_full "$tree"; then full=yes; fi
release
if [ "$shared" = no ]; then
  put_outputs
  case $? in
    0) ;;
    165) fail 165 "the disk of this node is full: the step's output could not be packed in $scratch" ;;
    *) fail 163 "the step's output could not be packed: $(last_words "$own/words")" ;;
  esac
fi
[ "$full" = no ] || fail 165 "the disk of this node is full, and the step ended with status $code"
finish "$code"
