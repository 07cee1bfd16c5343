# shellcheck shell=bash
# try DIR: checks that blahpd answers when HTCondor starts it with the files in DIR. Prints its version; otherwise exits
# with 1 and its errors.
said=$(printf 'QUIT\r\n' | timeout 60 "$1/gahp" 2>&1)
case $said in *GahpVersion*) printf '%s\n' "$said" | head -n 1; exit 0 ;; esac
tail -n 5 "$1/gahp.err" >&2
exit 1
