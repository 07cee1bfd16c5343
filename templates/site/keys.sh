# shellcheck shell=bash
# keys: adds keys to ~/.ssh/authorized_keys that may do one thing, and removes them. The line of such a key ends in MARK, a word
# with the cluster's directory DIR.
# key_let_in DIR MARK OPTIONS "TYPE BASE64": adds the key, or replaces the one that has the same mark. OPTIONS is what sshd(8) reads
# before a key, AUTHORIZED_KEYS FILE FORMAT. Returns 8 if another line has that key: the first line with a key counts, so this
# one would take away what the other one allows.
key_let_in() {
  local dir=$1 mark=$2 options=$3 key=$4 keys=$HOME/.ssh/authorized_keys
  key_forget "$dir" "$mark"
  ! grep -qF -e "${key##* }" "$keys" 2>/dev/null || return 8
  [ -d "$HOME/.ssh" ] || { mkdir "$HOME/.ssh" && touch "$dir/made-ssh"; } || return 1
  [ -e "$keys" ] || { : >"$keys" && touch "$dir/made-keys"; } || return 1
  keys=$(readlink -f "$keys") || return 1
  # the new line comes first, so that a last line without a newline stays as it is
  cp -p "$keys" "$keys.scailfin.$$" || return 1
  { printf '%s %s %s\n' "$options" "$key" "$mark" && cat "$keys"; } >"$keys.scailfin.$$" &&
    mv "$keys.scailfin.$$" "$keys" && return 0
  rm -f "$keys.scailfin.$$"
  return 1
}
# key_forget DIR MARK [any]: removes the key, or, with `any`, all keys whose mark begins with MARK; all other lines stay the same,
# byte for byte. Prints left=WHAT if one is still there
key_forget() {
  local keys mark=" $2" any=${3:-}
  keys=$(readlink -f "$HOME/.ssh/authorized_keys") && [ -f "$keys" ] || return 0
  # a mark is the last word of its line
  # shellcheck disable=SC2016
  local is='function is(  at) {
    if (any != "") { at = match($0, / [^ ]*$/); return at && index(substr($0, at), mark) == 1 }
    return length($0) >= length(mark) && substr($0, length($0) - length(mark) + 1) == mark
  }'
  ends() { awk -v mark="$mark" -v any="$any" "$is is() { n++ } END { exit !n }" "$keys"; }
  ends || return 0
  # awk ends every line with a newline, also a last line that had none
  local end='cat'
  [ -z "$(tail -c 1 "$keys")" ] || end='head -c -1'
  cp -p "$keys" "$keys.scailfin.$$" &&
    awk -v mark="$mark" -v any="$any" "$is !is()" "$keys" | $end >"$keys.scailfin.$$" &&
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
  key_forget "$1" "scailfin-share:$1:" any
}
