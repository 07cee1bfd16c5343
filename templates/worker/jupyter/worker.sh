# shellcheck shell=bash
# worker.sh VERSION IDLE: runs JupyterLab in this directory, which has its files: wire/, jupyter/, others/ for other frameworks, and
# site.tar.gz, the headnode's packages for Python VERSION. If VERSION is image, Jupyter is that of its image. It ends kernels that nobody has
# used for IDLE seconds. $SCAILFIN_NOTEBOOKS is the directory with the notebooks, and $SCAILFIN_HOME the account's home directory
set -u
here=$PWD version=$1
unset PYTHONPATH PYTHONHOME PYTHONSTARTUP
if [ "$version" = image ]; then
  python=python3 server=("$(command -v jupyter-lab || command -v jupyter-server)")
  [ -n "${server[0]}" ] || server=(python3 -m jupyterlab)
  [ "${#server[@]}" = 1 ] || python3 -c 'import jupyterlab' 2>/dev/null || { echo "there is no JupyterLab in this image" >&2; exit 1; }
else
  for name in "python$version" python3 ''; do
    [ -n "$name" ] || { echo "this node has no Python $version with its module venv, which the headnode's JupyterLab needs; name an image: --worker-image IMAGE" >&2; exit 1; }
    # what the node's own Python has, such as numpy, is there for notebooks, too
    "$name" -I -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != sys.argv[1])' "$version" 2>/dev/null &&
      "$name" -I -m venv --without-pip --system-site-packages "$TMPDIR/venv" && break
  done
  python=$TMPDIR/venv/bin/python
  site=$("$python" -I -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  { tar -xzf site.tar.gz -C "$site" && mv "$site/share" "$site/etc" "$TMPDIR/venv" && rm site.tar.gz; } || exit 1
  server=("$python" -m jupyterlab)
  for packages in others/*/packages.tar.gz; do
    # those of JupyterLab come first
    other=$TMPDIR/${packages%/*}
    [ ! -e "$packages" ] || { mkdir -p "$other" && tar -xzf "$packages" -C "$other" && echo "$other" >>"$site/scailfin-others.pth" && rm "$packages"; } || exit 1
  done
  # programs of notebooks and terminals find pip and others of the same packages
  PATH=$TMPDIR/venv/bin:$PATH VIRTUAL_ENV=$TMPDIR/venv
  export PATH VIRTUAL_ENV
fi

# Sockets of Jupyter and of its kernels: by TCP, other users of the node could read what a kernel says. The path of a socket has at most
# 107 bytes, and those of kernels take 50 of them
for run in "$TMPDIR/r" "${TMPDIR%/execute/*}/r$$" ''; do
  [ -n "$run" ] || run=$(mktemp -d "/tmp/scailfin-r.XXXXXX")
  [ "${#run}" -gt 57 ] || break
done
(umask 077 && mkdir -p "$run") && [ -O "$run" ] && chmod 700 "$run" || exit 1
trap 'rm -rf "$run"' EXIT

# Jupyter's and IPython's own files go with the job. The user's own settings are not read: they may be for another version, or let in
# whoever knows a password
export JUPYTER_RUNTIME_DIR=$run JUPYTER_CONFIG_DIR=$TMPDIR/jupyter/config JUPYTER_DATA_DIR=$TMPDIR/jupyter/data IPYTHONDIR=$TMPDIR/jupyter/ipython
export XDG_CACHE_HOME=$TMPDIR/jupyter/cache JP_LSP_VIRTUAL_DIR=$TMPDIR/jupyter/lsp
mkdir -p "$JUPYTER_CONFIG_DIR/labconfig" "$JUPYTER_DATA_DIR" "$IPYTHONDIR" "$XDG_CACHE_HOME"
# they ask servers that a node may not reach
echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}' >"$JUPYTER_CONFIG_DIR/labconfig/default_setting_overrides.json"
# ~ is where the user's files are: what is written to a directory of the job would be lost. A container shows only the notebooks
HOME=$SCAILFIN_HOME
if [ "$version" = image ] && [ ! -w "$HOME" ]; then HOME=$SCAILFIN_NOTEBOOKS; fi
export HOME SCAILFIN_IDLE=$2

# programs of notebooks find the other frameworks of the cluster
others=()
for other in "$here"/others/*/run.sh; do [ ! -e "$other" ] || others+=(bash "$other"); done

cd "$SCAILFIN_NOTEBOOKS" || exit 1
trap 'kill "$child" 2>/dev/null' TERM INT HUP
${others[@]+"${others[@]}"} "$python" -B "$here/wire/node.py" "jupyter:server@$run/s" "${server[@]}" --config="$here/jupyter/config.py" &
child=$!
status=128
while [ "$status" -ge 128 ] && kill -0 "$child" 2>/dev/null; do
  wait "$child"
  status=$?
done
exit "$status"
