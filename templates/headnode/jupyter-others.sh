# shellcheck shell=bash
# jupyter-others DIR [FOLDER PACKAGES]…: gives JupyterLab's node the packages of other frameworks of the pool in DIR: PACKAGES is an archive on
# the headnode, if it is there, and FOLDER a directory among the node's files. Prints new=FOLDER for each that it had not given before
set -u
umask 077
home=$1/workers/jupyter
shift
while [ $# -ge 2 ]; do
  to=$home/tree/$1
  mkdir -p "$to" || exit 1
  if [ -e "$2" ]; then ln -f "$2" "$to/packages.tar.gz" || exit 1; else rm -f "$to/packages.tar.gz"; fi
  grep -qsxF "$1" "$home/others" || { echo "$1" >>"$home/others" && echo "new=$1"; } || exit 1
  shift 2
done
