# shellcheck shell=bash
# node_look DIR NAME: describes what this headnode has to run the program NAME, which belongs to the pool in DIR. Prints
# KEY=VALUE lines: system, arch, glibc; node=PATH (if there is a Node.js that is new enough); program=DIGEST (what is staged)
node_look() {
  local node enough
  echo "system=$(uname -s)"
  echo "arch=$(uname -m)"
  echo "glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)"
  enough='const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
  # an older scailfin put it beside the edge
  for node in "$1/node" "$1/edge/node" "$(command -v node)"; do
    if [ -n "$node" ] && [ -x "$node" ] && "$node" -e "$enough" >/dev/null 2>&1; then echo "node=$node"; break; fi
  done
  [ ! -r "$1/$2/program/digest" ] || echo "program=$(cat "$1/$2/program/digest")"
}
