# shellcheck shell=bash
# look DIR FIRST_PORT ENGINE…: describes what minikube would find here: the machine, its container engines, free ports,
# and what already belongs to this cluster. Changes nothing.
set -u
dir=$1 first=$2
shift 2
export LC_ALL=C
home=$dir/minikube
one_line() { tr '\n' ' '; }

echo "uid=$(id -u)"
echo "user=$(id -un)"
echo "cores=$(nproc)"
awk '$1 == "MemTotal:" { print "memory=" int($2 / 1024) } $1 == "MemAvailable:" { print "available=" int($2 / 1024) }' /proc/meminfo
# without linger, systemd ends all of a user's processes after the last logout
if [ -d /run/systemd/system ] && [ ! -e "/var/lib/systemd/linger/$(id -un)" ]; then echo "lingers=no"; else echo "lingers=yes"; fi
case ${DOCKER_HOST:-unix://} in unix://*) ;; *) echo "elsewhere=$DOCKER_HOST" ;; esac
[ ! -e "$home/settings" ] || sed 's/^/set/' "$home/settings"

# KiB free on the file system of PATH, which need not exist yet
room() {
  local path=$1
  while [ ! -e "$path" ] && [ "$path" != / ]; do path=$(dirname "$path"); done
  df -Pk "$path" 2>/dev/null | awk 'NR == 2 { print $4 }'
}
echo "room=$(room "$home")"

for engine; do
  command -v "$engine" >/dev/null || continue
  echo "engine=$engine"
  errors=$(mktemp) || exit 1
  info=$(timeout 20 "$engine" info --format '{{json .}}' </dev/null 2>"$errors")
  echo "${engine}status=$?"
  echo "${engine}info=$(printf %s "$info" | one_line)"
  echo "${engine}said=$(one_line <"$errors")"
  rm -f "$errors"
  root=$(printf %s "$info" | one_line | sed -n 's/.*"\(DockerRootDir\|graphRoot\)": *"\([^"]*\)".*/\2/p')
  [ -z "$root" ] || echo "${engine}room=$(room "$root")"
done

open() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
port=$first
while [ "$port" -lt $((first + 100)) ] && open "$port"; do port=$((port + 1)); done
[ "$port" = $((first + 100)) ] || echo "port=$port"
exit 0
