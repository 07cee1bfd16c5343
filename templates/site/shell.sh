# shellcheck shell=bash
# shell: whose account this is and where its commands are looked for, in a command that comes by ssh and in a login shell
export LC_ALL=C
echo "user=$(id -un)"
echo "home=$HOME"
echo "shell=${SHELL:-/bin/sh}"
echo "path=$PATH"
echo "host=$(hostname)"
# each on a line of its own, whatever start-up files print
# shellcheck disable=SC2016
tell='printf "\n@path=%s\n@scratch=%s\n" "$PATH" "${SCRATCH:-}"; type module >/dev/null 2>&1 && printf "\n@modules=yes\n"'
timeout 20 bash -lc "$tell" 2>/dev/null </dev/null | sed -n 's/^@path=/loginpath=/p; s/^@\(scratch\|modules\)=\(.\)/\1=\2/p'
exit 0
