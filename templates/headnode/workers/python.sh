# shellcheck shell=bash
# workers-python DIR NAME FOR: makes a Python with packages from PyPI for the framework NAME of the pool in DIR, as
# DIR/workers/NAME/requirements.txt says. If FOR is nodes, the packages are packed for the workers, too; if it is image, they have them
# in their image. Prints base=DIR, where the Python itself is. Exits with 9 if there is no Python that is new enough, and with 8 and pip's own
# words if they can't be installed.
set -u
umask 077
export LC_ALL=C
home=$1/workers/$2
for python in python3.13 python3.12 python3.11 python3.14 python3.10 python3 ''; do
  [ -n "$python" ] || { echo "there is no Python 3.10 or newer with its module venv here" >&2; exit 9; }
  python=$(command -v "$python") && "$python" -I -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && break
done
sum=$({ "$python" -I -c 'import sys; print(sys.version)'; cat "$home/requirements.txt"; } | sha256sum | cut -c 1-16)
if [ "$(cat "$home/site.sum" 2>/dev/null)" != "$sum" ]; then
  rm -rf "$home/venv.new" "$home/venv"
  "$python" -I -m venv "$home/venv.new" >"$home/install.out" 2>&1 &&
    "$home/venv.new/bin/python" -I -m pip install -q --disable-pip-version-check --no-input --require-hashes --only-binary=:all: -r "$home/requirements.txt" \
      >>"$home/install.out" 2>&1 || { grep -v '^[[:space:]]*$' "$home/install.out" | tail -n 3 >&2; rm -rf "$home/venv.new"; exit 8; }
  # programs of a venv name its directory
  mv "$home/venv.new" "$home/venv" || exit 1
  rm -f "$home/tree/site.tar.gz"
  echo "$sum" >"$home/site.sum"
fi
echo "base=$("$home/venv/bin/python" -I -c 'import sys; print(sys.base_prefix)')"
case $3 in
  image) rm -f "$home/tree/site.tar.gz" ;;
  *)
    [ ! -e "$home/tree/site.tar.gz" ] || exit 0
    site=$("$home/venv/bin/python" -I -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    mkdir -p "$home/tree"
    tar -czf "$home/tree/site.tar.gz.new" -C "$site" --exclude='./pip*' --exclude='./setuptools*' --exclude='*/tests' . || exit 1
    mv "$home/tree/site.tar.gz.new" "$home/tree/site.tar.gz"
    ;;
esac
