# shellcheck shell=bash
# workqueue-program DIR: puts this machine's work_queue_worker among the files of the workers in DIR/workers/workqueue/tree, with the
# libraries that nodes may lack. Exits with 9 if there is none.
set -u
umask 077
export LC_ALL=C
tree=$1/workers/workqueue/tree
program=$(command -v work_queue_worker) || { echo "there is no work_queue_worker in $PATH" >&2; exit 9; }
mkdir -p "$tree/lib" && cp -L "$program" "$tree/work_queue_worker.new" && chmod 700 "$tree/work_queue_worker.new" || exit 1
mv "$tree/work_queue_worker.new" "$tree/work_queue_worker" || exit 1
# the C library must be the node's own
ldd "$program" 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | grep -vE '/(libc|libm|libdl|librt|libpthread|ld-linux[^/]*|libresolv)[.-]' |
  while IFS= read -r library; do cp -L "$library" "$tree/lib/" || exit 1; done
