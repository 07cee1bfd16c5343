# shellcheck shell=bash
# unpack BASE SHA256 ARCHIVE: checks the archive, puts the payload in its place (completely or not at all), and removes
# the archive. ARCHIVE is in the directory of its cluster, and so is what is unpacked at first: if the connection broke, the
# cluster may be taken down meanwhile, and then nothing may come back
set -u
umask 077
base=$1 sha=$2 archive=$3
part=${archive%/*}/payload.$$
tidy() {
  rm -rf "$archive" "$part"
  [ ! -d "${archive%/*}" ] || return
  set -- "$base"/*/site
  [ -d "$1" ] || rm -rf "$base/payload"
  rmdir "$base" 2>/dev/null
}
trap tidy EXIT
got=$(sha256sum "$archive" | cut -d' ' -f1)
[ "$got" = "$sha" ] || { echo "the payload arrived damaged: its sha256 is $got, not $sha" >&2; exit 21; }
mkdir "$part" && tar -xzf "$archive" -C "$part" || exit 1
[ -e "$base/payload/$sha/about" ] || { mkdir -p "$base/payload" && mv -T "$part" "$base/payload/$sha"; } || [ -e "$base/payload/$sha/about" ]
