# shellcheck shell=bash
# ready HOME: asks the Kubernetes that HOME/asked names (kubectl, kubeconfig and context, one line each) whether it is
# ready.
set -u
readarray -t asked <"$1/asked" || exit 1
exec timeout 20 "${asked[0]}" --kubeconfig "${asked[1]}" --context "${asked[2]}" --cache-dir "$1/cache" get --raw /readyz
