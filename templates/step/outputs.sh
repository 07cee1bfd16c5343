# shellcheck shell=sh disable=SC2034,SC2154
# ---- only what the step changed goes back

put_outputs() {
  : >"$own/candidates"
  files=0 bytes=0 deleted=0
  take_stock >"$own/after" || { lost; return; }
  if [ -s "$own/before" ] || [ -s "$own/after" ]; then
    { compare && list_changes >"$own/list" && names_of_list <"$own/list" >"$own/names" && read -r files bytes deleted <"$own/counts"; } \
      2>"$own/words" || { lost; return; }
  fi
  note files_out "$files"
  note bytes_out "$bytes"
  note files_deleted "$deleted"
  [ "$files" != 0 ] || return 0
  pack=''
  case " ${unpacks-} " in
    *' zstd '*) if command -v zstd >/dev/null; then pack=--zstd; fi ;;
  esac
  # very small and very large outputs are not worth the time to compress
  case " ${unpacks-} " in *' gzip '*)
    if [ -z "$pack" ] && [ $((bytes + 512 * files)) -gt 65536 ] && [ "$bytes" -lt 8388608 ]; then pack=--gzip; fi ;;
  esac
  # shellcheck disable=SC2086  # an option or none
  attend tar --create --file "$scratch/changed.tar" --directory "$tree" $pack --sparse --hard-dereference --no-recursion --null \
    --files-from "$own/names" 2>"$own/words" || lost
}
names_of_list() { if [ -s "$own/odd" ]; then from_list; else tr '\n' '\0'; fi; }
# @returns the exit status of the wrapper
lost() {
  # check the disk first: on a full disk the programs' error messages are lost, too
  set -- 163
  if is_about_space "$own/words" || is_full "$scratch"; then set -- 165; fi
  rm -f "$scratch/changed.tar" "$own/gone"
  return "$1"
}

# compare: writes lists of removed files, of files that may have changed, and of files that may have been rewritten with
# the same content
compare() {
  gone=$own/gone candidates=$own/candidates doubtful=$own/doubtful awk "$base64_awk"'
    FILENAME == ARGV[1] { line = $3 " " $2; sub(/^[^ ]* [^ ]* [^ ]* [^ ]* /, ""); is[$0] = line; next }
    { line = $0; kind = $1; about = $2 " " $3; name = $0; sub(/^[^ ]* [^ ]* [^ ]* [^ ]* [^ ]* [^ ]* /, "", name)
      stock = substr(line, 1, length(line) - length(name)) }
    FILENAME == ARGV[2] { was[name] = stock; next }
    name in was { then = was[name]; delete was[name]; if (then == stock) next }
    { print line >ENVIRON["candidates"] }
    kind == "f" && (name in is) && is[name] == about { print "./" name >ENVIRON["doubtful"] }
    END { for (name in was) print "deleted=" encode(plain(name)) >ENVIRON["gone"] }' "$own/wanted" "$own/before" "$own/after"
}

# a file that was rewritten with the same content is not a change
list_changes() {
  : >"$own/hashes"
  [ ! -e "$own/doubtful" ] || (cd "$tree" && from_list <"$own/doubtful" | hashes_of) >"$own/hashes"
  deleted=0
  if [ -e "$own/gone" ]; then deleted=$(wc -l <"$own/gone"); fi
  deleted=$deleted counts=$own/counts awk '
    FILENAME == ARGV[1] { hash = $1 ""; sub(/^[^ ]* [^ ]* [^ ]* [^ ]* /, ""); is[$0] = hash; next }
    FILENAME == ARGV[2] { hash = $1 ""; sub(/^[^ ]* [.]\//, ""); if (is[$0] == hash) same[$0]; next }
    { kind = $1; size = $3; sub(/^[^ ]* [^ ]* [^ ]* [^ ]* [^ ]* [^ ]* /, ""); if ($0 in same) next
      print "./" $0; files++; if (kind == "f") bytes += size }
    END { printf "%d %.0f %d\n", files, bytes, ENVIRON["deleted"] >ENVIRON["counts"] }' \
    "$own/wanted" "$own/hashes" "$own/candidates"
}
