# shellcheck shell=bash
# unpack BASE SHA256 ARCHIVE: checks the archive, puts the payload in its place (completely or not at all), and removes
# the archive
set -u
umask 077
base=$1 sha=$2 archive=$3
trap 'rm -rf "$archive" "$base/payload/$sha.$$"' EXIT
got=$(sha256sum "$archive" | cut -d' ' -f1)
[ "$got" = "$sha" ] || { echo "the payload arrived damaged: its sha256 is $got, not $sha" >&2; exit 21; }
mkdir -p "$base/payload/$sha.$$" && tar -xzf "$archive" -C "$base/payload/$sha.$$" || exit 1
[ -e "$base/payload/$sha/about" ] || mv -T "$base/payload/$sha.$$" "$base/payload/$sha" || [ -e "$base/payload/$sha/about" ]
