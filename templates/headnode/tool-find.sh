# shellcheck shell=bash
# tool-find DIR NAME…: prints which of minikube, kubectl and helm are in the PATH here, with their versions, and which
# were fetched below DIR/tools.
set -u
dir=$1
shift
# minikube makes its home at each start, even to print its version
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
echo "machine=$(uname -m)"
echo "system=$(uname -s)"
said() {
  case $1 in
    minikube) MINIKUBE_HOME=$scratch TMPDIR=$scratch timeout 10 minikube version --short ;;
    kubectl) timeout 10 kubectl version --client ;;
    helm) timeout 10 helm version --short ;;
  esac </dev/null 2>/dev/null
}
for name; do
  path=$(command -v "$name") && echo "${name}path=$path" && echo "${name}version=$(said "$name" | grep -o 'v[0-9][0-9.]*[0-9]' | head -n 1)"
  for own in "$dir/tools/$name-"*; do [ -x "$own/$name" ] && echo "${name}own=$own/$name"; done
done
exit 0
