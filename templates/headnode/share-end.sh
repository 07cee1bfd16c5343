# shellcheck shell=bash
# share_end DIR [PERSON]: ends the connections that a person's key, or anybody's, has open to REANA of the pool in DIR
share_end() {
  local file args
  grep -lzxF "$1/share/reach.sh" /proc/[0-9]*/cmdline 2>/dev/null | while read -r file; do
    # grep found its own command line, too
    { mapfile -d '' args <"$file"; } 2>/dev/null || continue
    if [ -z "${2:-}" ] || [ "${args[-1]:-}" = "$2" ]; then kill "$(basename "${file%/cmdline}")" 2>/dev/null; fi
  done
  return 0
}
