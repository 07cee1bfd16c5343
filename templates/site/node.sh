# shellcheck shell=bash
# node DIR NONCE PORT ADDRESSES LOGINPORT LOGINADDRESSES URL…: describes a compute node and what it can reach, as
# KEY=VALUE lines on stdout and in DIR/report; lists are separated by commas. The functions `reach` and `urls` are put
# before this text.
export LC_ALL=C
dir=$1 nonce=$2 port=$3 addresses=$4 loginport=$5 logins=$6
shift 6
exec </dev/null
umask 077
{ date +%s >"$dir/begun.tmp" && mv "$dir/begun.tmp" "$dir/begun"; } 2>/dev/null

# checks that wait for the network or for slow module systems run side by side
modules() {
  # shellcheck disable=SC2016
  timeout 15 bash -lc '
    type module >/dev/null 2>&1 || exit 0
    if [ -n "${LMOD_VERSION:-}" ]; then printf "\n@lmod %s\n" "$LMOD_VERSION"; else printf "\n@tmod %s\n" "${MODULES_VERSION:-}"; fi
    module -t avail 2>&1' 2>/dev/null
}
tried() {
  local key=$1 p=$2 a
  for a in ${3//,/ }; do reach "$p" "$a" | sed "s/^reached=.*/$a port $p: answers/; s/^/$key=/"; done
}
exec 3< <(urls "$@") 4< <(tried headnode "$port" "$addresses") 5< <(tried login "$loginport" "$logins") 6< <(modules)

runtimes() {
  local r f path
  path=$PATH:/usr/sbin:/usr/local/bin:/opt/cray/bin
  for r in shifter singularity apptainer ch-run podman-hpc; do
    f=$(PATH=$path type -P "$r") || continue
    echo "runtime=$r $f $(timeout 5 "$f" --version 2>&1 | grep -m 1 '[0-9]' | cut -c1-80)"
  done
}
gpus() {
  if type -P nvidia-smi >/dev/null; then
    timeout 10 nvidia-smi --query-gpu=name,memory.total --format=csv,noheader 2>/dev/null | sed 's/^/gpu=/'
  elif type -P rocm-smi >/dev/null; then
    timeout 10 rocm-smi --showproductname --csv 2>/dev/null | awk -F, 'NR > 1 && NF > 1 { print "gpu=" $2 }'
  fi
  for d in /dev/nvidia[0-9]* /dev/kfd /dev/dri/renderD*; do [ ! -e "$d" ] || echo "device=$d"; done
}
report() {
  echo "node=$(hostname)"
  echo "now=$(date +%s)"
  echo "cores=${SCAILFIN_CORES:-}"
  echo "memory=${SCAILFIN_MEMORY:-}"
  echo "usable=$(nproc 2>/dev/null)"
  echo "machinecores=$(getconf _NPROCESSORS_ONLN)"
  echo "machinememory=$(awk '$1 == "MemTotal:" { print int($2 / 1024) }' /proc/meminfo)"
  echo "arch=$(uname -m)"
  echo "kernel=$(uname -r)"
  echo "os=$(sed -n 's/^PRETTY_NAME=//p' /etc/os-release 2>/dev/null | tr -d '"')"
  echo "glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)"
  if [ ! -e "$dir/nonce" ]; then echo work=missing
  elif [ "$(cat "$dir/nonce")" = "$nonce" ]; then echo work=same
  else echo work=other; fi
  if : >"$dir/written" && rm "$dir/written"; then echo writable=yes; fi 2>/dev/null
  gpus
  runtimes
  cat <&3
  cat <&4
  cat <&5
  sed -n 's/^@\(lmod\|tmod\) */modulesystem=\1 /p; t; /^\//d; /:$/d; /^ *$/d; s/(default)$//; s/^/module=/p' <&6 | head -n 500
}
told=$(report 2>/dev/null)
told="$told
end=$nonce"
{ echo "$told" >"$dir/report.tmp" && mv "$dir/report.tmp" "$dir/report"; } 2>/dev/null
echo "$told"
exit 0
