# shellcheck shell=bash
# worker.sh CORES GB PYTHON PARSL FROM PROGRAM ARGUMENT…: runs a block of Parsl's workers in this directory, which has its files: wire/,
# certificates/ and site.tar.gz, the headnode's packages. If FROM is image, the packages are those of its image. The versions of Python
# and Parsl must be those of the program, whose interchange is reached by its own service of the wire
set -u
here=$PWD cores=$1 memory=$2 python=$3 parsl=$4 from=$5 program=$6
shift 6
unset PYTHONPATH PYTHONHOME PYTHONSTARTUP
has=$(python3 -B -s -c 'import sys; print("%d.%d" % sys.version_info[:2])') || { echo "there is no python3 here" >&2; exit 1; }
[ "$has" = "$python" ] || {
  echo "python3 has version $has where workers run, and the program's Python has $python; name an image that has it: scailfin up --worker-image IMAGE" >&2
  exit 1
}
if [ "$from" = image ]; then
  has=$(python3 -B -s -c 'from parsl.version import VERSION; print(VERSION)') || { echo "the image has no Parsl for its python3" >&2; exit 1; }
  [ "$has" = "$parsl" ] || { echo "the image has version $has of Parsl, and the program has $parsl" >&2; exit 1; }
else
  mkdir -p "$TMPDIR/site" && tar -xzf site.tar.gz -C "$TMPDIR/site" || exit 1
  export PYTHONPATH=$TMPDIR/site
fi
chmod 700 certificates || exit 1
export PARSL_CORES=$cores PARSL_MEMORY_GB=$memory
# what tasks write goes there, and with the block
mkdir -p "$TMPDIR/work" && cd "$TMPDIR/work" || exit 1
exec python3 -B -s "$here/wire/node.py" "$program" python3 -B -s -m parsl.executors.high_throughput.process_worker_pool "$@" \
  -a 127.0.0.1 --port '{port}' --cert_dir "$here/certificates" --logdir "$TMPDIR/logs"
