# shellcheck shell=bash
# workdir DIR: prints whether files can be made there, the type of the file system, and the free space; leaves nothing
# behind. If something fails it prints why=MESSAGE.
export LC_ALL=C
umask 077
dir=$1 made='' there=$1
while [ ! -e "$there" ]; do made=$there there=${there%/*} there=${there:-/}; done
away() {
  rm -f "$dir/.trial.$$"
  local d=$dir
  while [ -n "$made" ] && rmdir "$d" 2>/dev/null && [ "$d" != "$made" ]; do d=${d%/*}; done
}
trap away EXIT
trap 'exit 1' HUP INT TERM PIPE
df -PTk "$there" 2>/dev/null | awk 'NR == 2 { print "type=" $2; print "free=" $5; print "mount=" $7 }'
df -Pi "$there" 2>/dev/null | awk 'NR == 2 && $4 ~ /^[0-9]+$/ && $2 > 0 { print "files=" $4 }'
why=$(mkdir -p "$dir" 2>&1) || { echo "why=$why"; exit 0; }
# writes 8 MiB through to the server: an exceeded quota may show only then
why=$(dd if=/dev/zero of="$dir/.trial.$$" bs=1048576 count=8 conv=fsync 2>&1) || { echo "why=$(echo "$why" | grep ^dd: | head -n 1)"; exit 0; }
[ "$(wc -c <"$dir/.trial.$$")" -eq 8388608 ] || { echo "why=a file written there came out shorter"; exit 0; }
echo written=yes
mount=$(df -P "$dir" | awk 'NR == 2 { print $6 }')
{
  case $(df -PT "$dir" | awk 'NR == 2 { print $2 }') in
    lustre) timeout 8 lfs quota -q -h -u "$(id -un)" "$mount" ;;
    gpfs) timeout 8 mmlsquota --block-size auto ;;
    beegfs) timeout 8 beegfs-ctl --getquota --uid "$(id -u)" ;;
    *) timeout 8 quota -s -w ;;
  esac
} 2>/dev/null </dev/null | head -n 6 | sed 's/^/quota=/'
exit 0
