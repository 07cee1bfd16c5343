# shellcheck shell=bash
# worker.sh PROGRAM CORES MEMORY PORT: runs a worker of Work Queue, whose manager is reached at PORT of this node's loopback
# address. PROGRAM is work_queue_worker in its image, or the headnode's, which came with this file
set -u
program=$1
case $program in
  ./*)
    # libraries that this node lacks came, too; what is here is preferred, because tasks use it as well
    missing=$(ldd "$program" 2>&1 | grep 'not found')
    [ -z "$missing" ] || export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$PWD/lib
    ;;
esac
# a manager may come late
exec "$program" --cores="$2" --memory="$3" --connect-timeout=2000000 --idle-timeout=2000000 --min-backoff=1 --max-backoff=5 \
  --password="$PWD/password" --parent-death --workdir="$TMPDIR" 127.0.0.1 "$4"
