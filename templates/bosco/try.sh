# shellcheck shell=bash
# try DIR: whether blahpd answers to what is in DIR, as HTCondor will run it. Prints its version; else ends with 1 and its words.
said=$(printf 'QUIT\r\n' | timeout 60 "$1/gahp" 2>&1)
case $said in *GahpVersion*) printf '%s\n' "$said" | head -n 1; exit 0 ;; esac
tail -n 5 "$1/gahp.err" >&2
exit 1
