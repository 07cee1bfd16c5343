# shellcheck shell=sh
# on-machine NONCE MACHINE COMMAND…: runs COMMAND if this machine is MACHINE; otherwise prints NONCE and which machine this is,
# runs nothing, and exits with 95. (machine.sh is put before it.)
here=$(machine)
[ "$here" = "$2" ] || { echo "$1 $here"; exit 95; }
shift 2
exec "$@"
