# shellcheck shell=bash
# workqueue-look PORT: prints manager=own, other or none: whose program listens on that port of the headnode
set -u
export LC_ALL=C
uids=$(awk -v port=":$(printf '%04X' "$1")$" '$4 == "0A" && $2 ~ port { print $8 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null | sort -u)
case $uids in
  '') echo 'manager=none' ;;
  "$(id -u)") echo 'manager=own' ;;
  *) echo 'manager=other' ;;
esac
