# shellcheck shell=bash
# remove HOME PROFILE DRIVER FILES: ends a start that is under way, lets minikube delete its node, removes what is left by
# the profile's label, and prints left= for each thing that remains. If DRIVER is empty, it is not known, and every
# container engine is asked. HOME may be gone: the label is enough. If FILES is `keep`, HOME stays.
set -u
home=$1 profile=$2 driver=$3 files=$4
export LC_ALL=C
label=name.minikube.sigs.k8s.io=$profile

detached_end "$home/start" || { echo "left=minikube start, which does not end"; exit 0; }

minikube=$(sed -n 's/^minikube=//p' "$home/settings" 2>/dev/null)
if [ -d "$home/.minikube/profiles/$profile" ] && [ -x "$minikube" ]; then
  env MINIKUBE_HOME="$home" KUBECONFIG="$home/kubeconfig" TMPDIR="$home" MINIKUBE_WANTUPDATENOTIFICATION=false \
    timeout 240 "$minikube" delete -p "$profile" -o json </dev/null >"$home/delete.out" 2>&1 ||
    said=$(sed -n 's/.*"message":"\([^"]*\)".*/\1/p' "$home/delete.out" | tail -n 1)
fi

ask() { timeout 60 "$engine" "$@" </dev/null 2>"$errors"; }
listed() {
  case $1 in
    container) ask ps -a --filter "label=$label" --format '{{.Names}}' ;;
    *) ask "$1" ls --filter "label=$label" --format '{{.Name}}' ;;
  esac
}
taken_away() {
  case $1 in
    container) ask rm -f -v "$2" ;;
    volume) ask volume rm -f "$2" ;;
    network) ask network rm "$2" ;;
  esac >/dev/null
}

errors=$(mktemp) && images=$(mktemp) || exit 1
trap 'rm -f "$errors" "$images"' EXIT
left=
remains() { left=yes; echo "left=$1"; }
for engine in ${driver:-docker podman}; do
  if ! command -v "$engine" >/dev/null; then
    [ -z "$driver" ] || remains "$engine can't be asked for the node $profile: it is not here"
    continue
  fi
  for kind in container volume network; do
    names=$(listed "$kind") || {
      # a container engine that this user can't use can't have run our node
      [ -z "$driver" ] && grep -qi 'permission denied\|cannot connect' "$errors" || remains "$engine can't be asked for the node $profile: $(tail -n 1 "$errors")"
      continue 2
    }
    [ -n "$names" ] || continue
    why=
    for name in $names; do taken_away "$kind" "$name" || why=$(tail -n 1 "$errors"); done
    for name in $(listed "$kind"); do remains "$engine $kind $name: ${why:-${said:-no reason given}}"; done
  done

  # removes the node's image, if we fetched it and nobody else uses it now
  if [ -z "$left" ] && [ -e "$home/images" ]; then
    ask images --format '{{.Repository}} {{.ID}}' | grep -E '(^|/)kicbase(/stable)? ' | grep -vxFf "$home/images" >"$images"
    while read -r _ id; do ask image rm "$id" >/dev/null; done <"$images"
  fi
done
[ -z "$left" ] && [ "$files" != keep ] || exit 0
rm -rf "$home"
[ ! -e "$home" ] || remains "files in $home"
