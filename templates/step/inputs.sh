# shellcheck shell=sh disable=SC2034,SC2154
# ---- the workspace: the headnode's own if this node shares its file system, otherwise a copy

first='' said=''
{ read -r word probe nonce && read -r first; } <manifest
shared=no
tree=$own/root$workspace
if [ "$word" = probe ] && [ "$probe" != - ] && [ -f "$workspace/$probe" ]; then { read -r said <"$workspace/$probe"; } 2>/dev/null; fi
if [ -n "$said" ] && [ "$said" = "$nonce" ] && [ -w "$workspace" ]; then
  shared=yes
  tree=$workspace
fi
note shared "$shared"

# lines of SHA256 SIZE MODE KIND NAME; directories are also listed in a file of their own, as MODE NAME
read_manifest() {
  dirs=$own/dirs awk "$base64_awk"' $1 != "probe" && NF >= 4 {
    name = listed(decode($5)); print $1, $2, $3, $4, name
    if ($4 == "d") print $3, "./" name >ENVIRON["dirs"] }' manifest
}

get_inputs() {
  read_manifest >"$own/wanted" && cd "$tree" || return 165
  if [ -e "$own/dirs" ]; then
    sed 's/^[^ ]* //' "$own/dirs" | from_list | xargs -0 -r mkdir -p -- || return 165
  fi
  if [ -s "$scratch/small.tar" ]; then
    tar -xpf "$scratch/small.tar" 2>"$own/words" || return 162
  fi
  find . -type f -print0 | hashes_of >"$own/hashes"
  : >"$own/missing"
  # files that came with the job must be as they were when it was submitted; the first list holds the files that came
  changed=$(missing=$own/missing bytes=$own/bytes_in awk '
    FILENAME == ARGV[1] { hash = $1 ""; sub(/^[^ ]* [.]\//, ""); is[$0] = hash; next }
    $4 == "f" { hash = $1 ""; n += $2; line = $0; sub(/^[^ ]* [^ ]* [^ ]* [^ ]* /, "")
      if (!($0 in is)) print line >ENVIRON["missing"]
      else if (is[$0] != hash && !changed++) print }
    END { printf "%.0f\n", n >ENVIRON["bytes"] }' "$own/hashes" "$own/wanted") || return 165
  if [ -n "$changed" ]; then
    echo "$changed changed since the step was submitted" >"$own/words"
    return 162
  fi
  while IFS= read -r line; do
    name=${line#* * * * }
    case $name in *%*) name=$(printf '%s\n' "$name" | from_list | tr '\0' .) && name=${name%.} ;; esac
    # shellcheck disable=SC2086  # words without blanks
    set -- ${line% "${line#* * * }"}
    bring "$1" "$2" "$name" || return
    chmod "$3" "./$name"
  done <"$own/missing"
  [ -e "$own/dirs" ] || return 0
  # set the modes of directories; mkdir gave them 755
  awk '$1 != 755 && !seen[$1]++ { print $1 }' "$own/dirs" | while read -r mode; do
    awk -v mode="$mode" '$1 == mode { sub(/^[^ ]* /, ""); print }' "$own/dirs" | from_list | xargs -0 -r chmod "$mode" --
  done
}

# bring SHA256 BYTES NAME: through the node's cache if it has room, otherwise directly
bring() {
  need=$(($2 / 1024 + 1))
  if [ -e "$cache/objects/$1" ] || { trim "$need" && [ "$(free_in "$cache")" -gt $((need * 2)) ]; }; then
    locked "$1" bring_cached "$@"
  elif [ "$(free_in .)" -gt "$need" ]; then
    fetch "$1" "$2" "$3" "./$3"
  else
    echo "$3 ($2 bytes) does not fit on the disk" >"$own/words"
    return 165
  fi
}
bring_cached() {
  object=$cache/objects/$1
  if [ ! -e "$object" ]; then
    make_part && fetch "$1" "$2" "$3" "$part/object" || return
    chmod 400 "$part/object" && mv "$part/object" "$object" && rmdir "$part" || return 165
  fi
  used "$object"
  # other steps may now use the object, too. The step gets a copy, because it may write to its file
  flock -s 9 2>/dev/null
  if cp --reflink=auto --no-preserve=mode -- "$object" "./$3" 2>"$own/words"; then return 0; fi
  if is_about_space "$own/words"; then return 165; fi
  return 166
}
# fetch SHA256 BYTES NAME FILE: fetches a file from the headnode's workspace, and checks that it is unchanged
fetch() {
  if ! "${SCAILFIN_CHIRP:-condor_chirp}" fetch "$workspace/$3" "$4" >"$own/said" 2>&1 9>&-; then
    echo "$3 could not be fetched from the headnode: $(last_words "$own/said")" >"$own/words"
    if is_about_space "$own/said" || is_full "${4%/*}"; then return 165; fi
    return 162
  fi
  echo "$2" >>"$own/fetched"
  [ "$(sha256sum <"$4" | cut -d ' ' -f 1)" != "$1" ] || return 0
  rm -f "$4"
  echo "$3 changed since the step was submitted" >"$own/words"
  return 162
}

# lines of KIND MODE SIZE MTIME CTIME INODE NAME: a line differs if anything was done to the file. For directories only
# the mode counts. Names that a list holds in another form are few, and are listed in $own/odd first
take_stock() {
  : >"$own/odd"
  holds "$tree" || return 0
  odd="*[%
]*" directory='d %m 0 0 0 0 %P' file='%y %m %s %T@ %C@ %i %P'
  (cd "$tree" && find . -mindepth 1 \( -type d -path "$odd" -fprintf "$own/odd" "$directory\0" \) -o \( -type d -printf "$directory\n" \) \
    -o \( -type f -o -type l \) \( -path "$odd" -fprintf "$own/odd" "$file\0" -o -printf "$file\n" \)) 2>"$own/words" ||
    # it also complains of directories that the step has closed; their content is not listed
    { ! is_about_space "$own/words" && ! is_full "$scratch"; } || return
  [ ! -s "$own/odd" ] || to_list <"$own/odd"
}
