# shellcheck shell=bash
# prepare BASE NAME PART OWNER SHA256 [LEAST]: makes the cluster's directory, marks it as the cluster's own, and makes PART (site
# or pool) in it. Prints payload=yes if the payload is already there. Exits with 20 and the other owner line if the name
# belongs to another cluster, and with 21 if less than LEAST KiB are free. (machine.sh is put before it.)
set -u
umask 077
base=$1 name=$2 part=$3 owner=$4 sha=$5
dir=$base/$name
mkdir -p "$base" || exit 1
mkdir "$dir" 2>/dev/null
if [ -s "$dir/owner" ]; then
  [ "$(cat "$dir/owner")" = "$owner" ] || { cat "$dir/owner"; exit 20; }
else
  echo "$owner" >"$dir/owner.$$" && mv "$dir/owner.$$" "$dir/owner" || exit 1
fi
# other machines may see these files, but not what runs or waits here
case $part in site) mkdir -p "$dir/site/logs" "$dir/site/submit" && machine >"$dir/site/machine" ;; *) mkdir -p "$dir/$part" ;; esac || exit 1
[ "$sha" = none ] || [ ! -e "$base/payload/$sha/about" ] || echo payload=yes
free=$(df -Pk "$base" | awk 'NR == 2 { print $4 }')
echo "free=$free"
# not every file system says it
case $free in '' | *[!0-9]*) ;; *) [ "$free" -ge "${6-0}" ] || exit 21 ;; esac
