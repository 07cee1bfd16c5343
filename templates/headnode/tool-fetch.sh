# shellcheck shell=bash
# tool-fetch DIR NAME FROM SHA256 MOST: puts the program NAME below DIR/tools, from a URL or a file of this machine, complete
# and verified or not at all. A partial download is kept and continued the next time. Prints have= and total= (bytes).
# A file of more than MOST KiB is not downloaded; then it ends with 10.
set -u
umask 077
dir=$1 name=$2 from=$3 sha=$4 most=$5
export LC_ALL=C
place=$dir/tools/$name-${sha:0:12}
part=$dir/tools/.$name-${sha:0:12}
[ ! -x "$place/$name" ] || exit 0
mkdir -p "$dir/tools"

size() { stat -c %s "$part" 2>/dev/null || echo 0; }
right() { [ "$(sha256sum <"$part" 2>/dev/null | cut -d' ' -f1)" = "$sha" ]; }
# prints the file's whole size, from the last answer's headers
total() {
  tr -d '\r' <"$part.head" 2>/dev/null | awk -v had="$1" 'tolower($1) == "content-length:" { n = had + $2 } tolower($1) == "content-range:" { sub(".*/", ""); n = $0 } /^HTTP/ { n = "" } END { print n }'
}
fetch() {
  # whatever the server says of the size: more than this is not written
  ulimit -f "$most"
  if command -v curl >/dev/null; then
    curl -fsSL -C - --connect-timeout 30 --speed-limit 1000 --speed-time 60 -D "$part.head" -o "$part" -- "$from"
  elif command -v wget >/dev/null; then
    wget -nv -c -t 1 -T 60 -O "$part" -- "$from"
  else
    echo "this host has neither curl nor wget" >&2
    return 5
  fi
}
# one try; prints its progress twice a second
watched() {
  local had pid n=0
  had=$(size)
  rm -f "$part.head"
  fetch &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.1
    n=$((n + 1))
    [ $((n % 5)) != 0 ] || echo "have=$(size) total=$(total "$had")"
  done
  wait "$pid"
}
download() {
  local tries=0 status=0 before
  while [ "$tries" -lt 4 ]; do
    before=$(size)
    [ "$before" = 0 ] || ! right || return 0
    watched
    status=$?
    if [ "$(size)" -ge $((most * 1024)) ]; then
      rm -f "$part" "$part.head"
      echo "$from has more than $((most / 1024)) MiB" >&2
      return 10
    fi
    case $status in
      0) { [ "$before" != 0 ] && ! right; } || return 0 ;;
      5) return 5 ;;
      22) [ "$before" != 0 ] || return 22 ;;
    esac
    # the download can't be continued: the part belongs to another file, or the server knows no ranges
    case $status in 0 | 22 | 33 | 36) rm -f "$part" ;; esac
    # a connection that breaks again and again, but each time a bit later, is tried on
    [ "$(size)" -gt "$before" ] || tries=$((tries + 1))
    sleep 0.5
  done
  return "$status"
}

case $from in
  http://* | https://*) download || exit ;;
  *) cp -- "$from" "$part" || exit 1 ;;
esac
rm -f "$part.head"
right || {
  echo "$from has sha256 $(sha256sum <"$part" | cut -d' ' -f1), not $sha" >&2
  rm -f "$part"
  exit 8
}
rm -rf "$part.new"
mkdir "$part.new" || exit 1
if [ "$(head -c 2 "$part" | od -An -tx1 | tr -d ' ')" = 1f8b ]; then
  member=$(tar -tzf "$part" | grep -E "(^|/)$name\$" | head -n 1)
  [ -n "$member" ] || { echo "$from holds no program $name" >&2; exit 9; }
  tar -xzOf "$part" -- "$member" >"$part.new/$name" || exit 1
else
  cp "$part" "$part.new/$name" || exit 1
fi
chmod 700 "$part.new/$name" && mv "$part.new" "$place" && rm -f "$part"
