# shellcheck shell=sh disable=SC2034,SC2154
# ---- what the step changed goes back, and nothing else

put_outputs() {
  take_stock >"$own/after"
  comm -13 "$own/before" "$own/after" >"$own/candidates"
  drop_same >"$own/changes"
  # children before their directories
  name_after 6 <"$own/before" | sort >"$own/names.before"
  name_after 6 <"$own/after" | sort >"$own/names.after"
  comm -23 "$own/names.before" "$own/names.after" | sort -r |
    awk "$base64_awk"' { print "deleted=" encode(plain($0)) }' >"$own/gone"
  name_after 6 <"$own/changes" | sed 's|^|./|' | from_list >"$own/names"
  bytes=$(awk '$1 == "f" { n += $3 } END { print n + 0 }' "$own/changes")
  note files_out "$(wc -l <"$own/changes")"
  note bytes_out "$bytes"
  note files_deleted "$(wc -l <"$own/gone")"
  pack=''
  case " ${unpacks-} " in
    *' zstd '*) if command -v zstd >/dev/null; then pack=--zstd; fi ;;
  esac
  # above that it costs more time than it saves
  case " ${unpacks-} " in *' gzip '*) if [ -z "$pack" ] && [ "$bytes" -lt 8388608 ]; then pack=--gzip; fi ;; esac
  # shellcheck disable=SC2086  # an option or none
  attend tar --create --file "$scratch/changed.tar" --directory "$tree" $pack --sparse --hard-dereference --no-recursion --null \
    --files-from "$own/names" 2>"$own/words" && return 0
  # looked at first: on a full disk tar's words are lost, too
  set -- 163
  if is_about_space "$own/words" || is_full "$scratch"; then set -- 165; fi
  rm -f "$scratch/changed.tar" "$own/gone"
  return "$1"
}

# what was written over with what it was is no change
drop_same() {
  awk 'FILENAME == ARGV[1] { line = $1 " " $2 " " $3; sub(/^[^ ]* [^ ]* [^ ]* [^ ]* /, ""); is[$0] = line; next }
    $1 == "f" { mode = $2; size = $3; sub(/^[^ ]* [^ ]* [^ ]* [^ ]* [^ ]* [^ ]* /, "")
      if (split(is[$0], was, " ") == 3 && was[2] == size && was[3] == mode) print was[1], $0 }' \
    "$own/wanted" "$own/candidates" >"$own/doubtful"
  (cd "$tree" && name_after 1 <"$own/doubtful" | sed 's|^|./|' | hashes_of) >"$own/hashes"
  paste -d ' ' "$own/hashes" "$own/doubtful" | awk '$1 == $2 { sub(/^[^ ]* [^ ]* /, ""); print }' >"$own/same"
  awk 'FILENAME == ARGV[1] { same[$0]; next } { line = $0; sub(/^[^ ]* [^ ]* [^ ]* [^ ]* [^ ]* [^ ]* /, ""); if (!($0 in same)) print line }' \
    "$own/same" "$own/candidates"
}
