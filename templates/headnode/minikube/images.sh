# shellcheck shell=bash
# images HOME ENGINE: records once which images of minikube's nodes are here before ours is fetched. ENGINE is the
# container engine.
set -u
umask 077
home=$1 engine=$2
[ ! -e "$home/images" ] || exit 0
mkdir -p "$home"
timeout 60 "$engine" images --format '{{.Repository}} {{.ID}}' </dev/null >"$home/images.new" && mv "$home/images.new" "$home/images"
