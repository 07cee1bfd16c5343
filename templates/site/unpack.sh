# shellcheck shell=bash
# unpack BASE SHA256 ARCHIVE: checks the archive, puts the payload in its place (completely or not at all), and removes
# the archive. ARCHIVE is in the directory of its cluster
set -u
umask 077
base=$1 sha=$2 archive=$3
tidy() {
  rm -rf "$archive" "$base/payload/$sha.$$"
  [ ! -d "${archive%/*}" ] || return
  # if the connection broke, the cluster may have been taken down meanwhile: this must not come after it
  set -- "$base"/*/site
  [ -d "$1" ] || rm -rf "$base/payload"
  rmdir "$base" 2>/dev/null
}
trap tidy EXIT
got=$(sha256sum "$archive" | cut -d' ' -f1)
[ "$got" = "$sha" ] || { echo "the payload arrived damaged: its sha256 is $got, not $sha" >&2; exit 21; }
mkdir -p "$base/payload/$sha.$$" && tar -xzf "$archive" -C "$base/payload/$sha.$$" || exit 1
[ -e "$base/payload/$sha/about" ] || mv -T "$base/payload/$sha.$$" "$base/payload/$sha" || [ -e "$base/payload/$sha/about" ]
