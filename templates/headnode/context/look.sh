# shellcheck shell=bash
# look DIR CONTEXT KUBECONFIG FIRST_PORT KUBECTL: checks whether the Kubernetes of the user's context answers. If
# KUBECONFIG or KUBECTL is empty, the user's own is taken. With KUBECTL, a context that is in several files is written
# into one file below DIR/context.
set -u
umask 077
dir=$1 context=$2 given=$3 first=$4 kubectl=$5 asking=${5:+in earnest}
export LC_ALL=C
home=$dir/context
files=${given:-${KUBECONFIG:-$HOME/.kube/config}}
echo "files=$files"

[ -n "$kubectl" ] || kubectl=$(command -v kubectl) || for own in "$dir"/tools/kubectl-*/kubectl; do [ ! -x "$own" ] || kubectl=$own; done
if [ -n "$kubectl" ]; then
  echo "kubectl=$kubectl"
  # kubectl's cache of the API stays out of the user's home
  scratch=$(mktemp -d) || exit 1
  trap 'rm -rf "$scratch"' EXIT
  ask() { KUBECONFIG=$files timeout 30 "$kubectl" --cache-dir "$scratch" "$@" </dev/null 2>"$scratch/errors"; }
  ask config get-contexts -o name | sed 's/^/context=/'
  case $files in
    *:*)
      if [ -n "$asking" ] && ask config view --minify --flatten --raw --context "$context" >"$scratch/one"; then
        mkdir -p "$home" && mv "$scratch/one" "$home/kubeconfig" && echo "kubeconfig=$home/kubeconfig"
      fi
      ;;
    *) echo "kubeconfig=$files" ;;
  esac
  version=$(ask --context "$context" version -o json --request-timeout=20s)
  echo "status=$?"
  echo "version=$(printf %s "$version" | tr '\n' ' ')"
  echo "said=$(grep -v '^[EIW][0-9]' "$scratch/errors" | tail -n 1)"
fi

open() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
port=$first
[ ! -s "$home/port" ] || port=$(cat "$home/port")
[ -s "$home/port" ] || while [ "$port" -lt $((first + 100)) ] && open "$port"; do port=$((port + 1)); done
[ "$port" = $((first + 100)) ] || echo "port=$port"
exit 0
