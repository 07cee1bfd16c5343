# shellcheck shell=bash
# keys: adds a key of the cluster's own to ~/.ssh/authorized_keys, where it may run one command, and removes such keys. Its line
# ends in MARK, a word with the cluster's directory DIR.
# key_let_in DIR MARK COMMAND "TYPE BASE64": adds the key, or replaces the one that has the same mark. COMMAND has no quotes.
key_let_in() {
  local dir=$1 mark=$2 command=$3 key=$4 keys=$HOME/.ssh/authorized_keys
  key_forget "$dir" "$mark"
  [ -d "$HOME/.ssh" ] || { mkdir "$HOME/.ssh" && touch "$dir/made-ssh"; } || return 1
  [ -e "$keys" ] || { : >"$keys" && touch "$dir/made-keys"; } || return 1
  keys=$(readlink -f "$keys") || return 1
  # the new line comes first, so that a last line without a newline stays as it is
  cp -p "$keys" "$keys.scailfin.$$" || return 1
  { printf 'restrict,command="%s" %s %s\n' "$command" "$key" "$mark" && cat "$keys"; } >"$keys.scailfin.$$" &&
    mv "$keys.scailfin.$$" "$keys" && return 0
  rm -f "$keys.scailfin.$$"
  return 1
}
# key_forget DIR MARK: removes the key; all other lines stay the same, byte for byte. Prints left=WHAT if it is still there
key_forget() {
  local keys mark=" $2"
  keys=$(readlink -f "$HOME/.ssh/authorized_keys") && [ -f "$keys" ] || return 0
  ends() { awk -v mark="$mark" 'length($0) >= length(mark) && substr($0, length($0) - length(mark) + 1) == mark { n++ } END { exit !n }' "$keys"; }
  ends || return 0
  # awk ends every line with a newline, also a last line that had none
  local end='cat'
  [ -z "$(tail -c 1 "$keys")" ] || end='head -c -1'
  cp -p "$keys" "$keys.scailfin.$$" &&
    awk -v mark="$mark" 'length($0) < length(mark) || substr($0, length($0) - length(mark) + 1) != mark' "$keys" | $end >"$keys.scailfin.$$" &&
    mv "$keys.scailfin.$$" "$keys"
  rm -f "$keys.scailfin.$$"
  [ -s "$keys" ] || [ ! -e "$1/made-keys" ] || rm -f "$keys"
  [ ! -e "$1/made-ssh" ] || rmdir "$HOME/.ssh" 2>/dev/null
  ! { [ -f "$keys" ] && ends; } || echo "left=the line$mark in $keys"
}
# keys_forget DIR: removes all keys of the cluster
keys_forget() {
  key_forget "$1" "scailfin:$1"
  key_forget "$1" "scailfin-relay:$1"
}
