# shellcheck shell=bash
# shell: prints whose account this is, and the PATH of a command that comes by ssh and of a login shell
export LC_ALL=C
echo "user=$(id -un)"
echo "home=$HOME"
echo "shell=${SHELL:-/bin/sh}"
echo "path=$PATH"
echo "host=$(hostname)"
# each value is on a line of its own, whatever start-up files print
# shellcheck disable=SC2016
tell='printf "\n@path=%s\n@scratch=%s\n" "$PATH" "${SCRATCH:-}"; type module >/dev/null 2>&1 && printf "\n@modules=yes\n"'
timeout 20 bash -lc "$tell" 2>/dev/null </dev/null | sed -n 's/^@path=/loginpath=/p; s/^@\(scratch\|modules\)=\(.\)/\1=\2/p'
exit 0
