# shellcheck shell=bash
# workers-install DIR NAME LEAST FOR: installs what the framework NAME needs from PyPI for the pool in DIR, as its requirements.txt in
# DIR/workers/NAME says, for a Python of the version 3.LEAST or newer. If FOR is nodes, it is packed for the workers, too; if it is all, with
# pip, and with what belongs in share and etc; if it is image, they have it in their image. Prints base=DIR, where the Python itself is, and version=3.N. Exits with 9 if there is no Python that is new enough, and with 8 and pip's own words if it can't be installed.
set -u
umask 077
export LC_ALL=C
home=$1/workers/$2 least=$3
for python in python3.13 python3.12 python3.11 python3.14 python3.10 python3 ''; do
  [ -n "$python" ] || { echo "there is no Python 3.$least or newer with its module venv here" >&2; exit 9; }
  python=$(command -v "$python") && "$python" -I -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, int(sys.argv[1])))' "$least" 2>/dev/null && break
done
sum=$({ "$python" -I -c 'import sys; print(sys.version)'; cat "$home/requirements.txt"; } | sha256sum | cut -c 1-16)
if [ "$(cat "$home/site.sum" 2>/dev/null)" != "$sum" ]; then
  rm -rf "$home/venv.new" "$home/venv"
  # what runs on nodes alone is not compiled here. A cache of pip's would stay in the home directory
  [ "$4" = all ] && compile=--no-compile || compile=--compile
  "$python" -I -m venv "$home/venv.new" >"$home/install.out" 2>&1 &&
    "$home/venv.new/bin/python" -I -m pip install -q --no-cache-dir --disable-pip-version-check --no-input --require-hashes --only-binary=:all: "$compile" -r "$home/requirements.txt" \
      >>"$home/install.out" 2>&1 || { grep -v '^[[:space:]]*$' "$home/install.out" | tail -n 3 >&2; rm -rf "$home/venv.new"; exit 8; }
  # programs of a venv name its directory
  mv "$home/venv.new" "$home/venv" || exit 1
  rm -f "$home/tree/site.tar.gz"
  echo "$sum" >"$home/site.sum"
fi
"$home/venv/bin/python" -I -c 'import sys; print("base=" + sys.base_prefix, "version=%d.%d" % sys.version_info[:2], sep="\n")'
case $4 in
  image) rm -f "$home/tree/site.tar.gz" ;;
  *)
    [ ! -e "$home/tree/site.tar.gz" ] || exit 0
    site=$("$home/venv/bin/python" -I -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    if [ "$4" = all ]; then set -- --exclude=__pycache__ --exclude='*.map' . -C "$home/venv" share etc; else set -- --exclude='./pip*' .; fi
    mkdir -p "$home/tree"
    tar -I 'gzip -3' -cf "$home/tree/site.tar.gz.new" -C "$site" --exclude='./setuptools*' --exclude='*/tests' "$@" || exit 1
    mv "$home/tree/site.tar.gz.new" "$home/tree/site.tar.gz"
    ;;
esac
