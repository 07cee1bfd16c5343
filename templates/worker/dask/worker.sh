# shellcheck shell=bash
# worker.sh CORES MEMORY [VERSION]: runs a worker of Dask in this directory, which has its files: wire/, dask/ and site.tar.gz, the
# headnode's packages. With VERSION, the packages are those of its image, and Dask must have this version: the scheduler's
set -u
here=$PWD
read -r name </proc/sys/kernel/random/uuid
# a worker that starts again is another one for the scheduler
name=worker-${name%%-*}
unset PYTHONPATH PYTHONHOME PYTHONSTARTUP
if [ -n "${3-}" ]; then
  version=$(python3 -B -s -c 'import distributed; print(distributed.__version__)') || { echo "the image has no Dask (distributed) for its python3" >&2; exit 1; }
  [ "$version" = "$3" ] || { echo "the image has version $version of distributed, and the scheduler has $3" >&2; exit 1; }
else
  mkdir -p "$TMPDIR/site" && tar -xzf site.tar.gz -C "$TMPDIR/site" || exit 1
  export PYTHONPATH=$TMPDIR/site
fi
# what tasks write goes there, and with the worker
cd "$TMPDIR" || exit 1
# shellcheck disable=SC2016
exec python3 -B -s "$here/wire/node.py" "dask:$name" sh -c 'SCAILFIN_CALLS=tcp:{calls} exec python3 -B -s "$1" worker "$2" {port} {listen} "$3" "$4"' \
  sh "$here/dask/scailfin_dask.py" "$name" "$1" "$2"
