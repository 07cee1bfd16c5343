# shellcheck shell=sh disable=SC2034,SC2154
# ---- names may have any bytes but NUL. In lists a name goes to the end of the line, with % and line ends as %25 and %0A;
# elsewhere names are in base64.

# awk functions for both forms
base64_awk='
BEGIN {
  abc = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  for (i = 0; i < 64; i++) value[substr(abc, i + 1, 1)] = i
  for (i = 1; i < 256; i++) { byte[i] = sprintf("%c", i); code[byte[i]] = i }
}
function decode(text,   i, c, bits, have, power, b, out) {
  out = ""; bits = 0; have = 0
  for (i = 1; i <= length(text); i++) {
    c = substr(text, i, 1)
    if (c == "=") break
    bits = bits * 64 + value[c]; have += 6
    if (have < 8) continue
    have -= 8; power = 2 ^ have; b = int(bits / power); bits -= b * power
    out = out byte[b]
  }
  return out
}
function encode(text,   i, n, a, b, c, out) {
  out = ""; n = length(text)
  for (i = 1; i <= n; i += 3) {
    a = code[substr(text, i, 1)]
    b = i + 1 <= n ? code[substr(text, i + 1, 1)] : 0
    c = i + 2 <= n ? code[substr(text, i + 2, 1)] : 0
    out = out substr(abc, int(a / 4) + 1, 1) substr(abc, (a % 4) * 16 + int(b / 16) + 1, 1)
    out = out (i + 1 <= n ? substr(abc, (b % 16) * 4 + int(c / 64) + 1, 1) : "=")
    out = out (i + 2 <= n ? substr(abc, c % 64 + 1, 1) : "=")
  }
  return out
}
function listed(name) { gsub(/%/, "%25", name); gsub(/\n/, "%0A", name); return name }
function plain(name) { gsub(/%0A/, "\n", name); gsub(/%25/, "%", name); return name }
function quoted(text,   parts, n, i, out) {
  n = split(text, parts, "\047"); out = parts[1]
  for (i = 2; i <= n; i++) out = out "\047\\\047\047" parts[i]
  return "\047" out "\047"
}'

# convert between these lists and the lists of programs that use NUL
to_list() { sed -z 's/%/%25/g; s/\n/%0A/g' | tr '\0' '\n'; }
from_list() { tr '\n' '\0' | sed -z 's/%0A/\n/g; s/%25/%/g'; }
# prints HASH NAME lines for the NUL-terminated file names on its input; sha256sum escapes unusual names in its own way
hashes_of() {
  # the first `t` forgets that there was a %: the second one is about the name
  xargs -0 -r sha256sum -- | sed 's/%/%25/g
    t escaped
    :escaped
    s/^\([0-9a-f]*\) [ *]/\1 /; t
    s/^\\//; s/ [ *]/ /; s/\\\\/%5C/g; s/\\n/%0A/g; s/\\r/\r/g; s/%5C/\\/g'
}
