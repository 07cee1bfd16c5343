#!/bin/sh
# shellcheck disable=SC2154  # what settings says
# shadow.sh ARGUMENT…: HTCondor's schedd runs this as its shadow, with the description of a job on standard input. The shadow
# does on this machine what the job's compute node asks of it, as the pool's owner. So it runs behind a fence: it sees the
# job's directory, and what else the job names, and nothing more of the owner's files.
# Ends with 112 (the job is to be held) where the job names what no compute node may have.
set -u
umask 077
fence=${0%/*}
# shellcheck disable=SC1091
. "$fence/settings"
# shellcheck disable=SC1091
. "$fence/places.sh"
job=$fence/jobs/$$
# the schedd gives it nowhere to write to
# and where a compute node makes no links
exec >>"$pool/log/FenceLog" 2>&1
hold() {
  echo "$(date '+%m/%d/%y %H:%M:%S') job $1 is held: $2" >&2
  # without this the schedd would give no reason
  "$bin/condor_hold" -reason "$2" "$1"
  rm -f "$job" "$job.ad" "$job.list"
  exit 112
}
awk -v copy="$job.ad" -v spool="$pool/spool" -f "$fence/ad.awk" >"$job.list" || hold "$1" "what it names could not be read"

# may_write PATH: whether a compute node may write there; the owner's home directory, the pool's files and hidden directories
# such as ~/.ssh are not what a job works in
may_write() {
  if [ -d "$1" ]; then real=$(cd -P "$1" && pwd -P) || return 1; else real=$(cd -P "${1%/*}/" && pwd -P)/${1##*/} || return 1; fi
  case $real/ in
    "$pool"/edge/steps/*/job/ | "$pool"/edge/steps/events/log/ | "$pool"/spool/[0-9]*/) return 0 ;;
    # where proxies, sockets and everybody's files are
    /tmp/ | /var/tmp/ | /dev/* | /run/*) return 1 ;;
    "${pool%/*/*}"/* | "$home"/.*) return 1 ;;
  esac
  case $home/ in "${real%/}"/*) return 1 ;; esac
  return 0
}
# Whoever ran a job before may have left links where this one's inputs are expected: they are not followed out.
# stays PATH DIR: whether it is below DIR, links and all
stays() {
  real=$(readlink -f "$1") || return 0 # it is not there
  case $real in "$2"/*) return 0 ;; *) return 1 ;; esac
}
# may_read PATH: whether it is what its name says; what is hidden is read by its own name alone
may_read() {
  [ -e "$1" ] || return 0
  parent=$(cd -P "${1%/*}/" && pwd -P) || return 1
  [ ! -L "$1" ] || stays "$1" "$parent" || return 1
  case $1 in "$home"/.* | "${pool%/*/*}"/*) return 0 ;; esac
  case $parent/ in "$home"/.* | "${pool%/*/*}"/*) return 1 ;; *) return 0 ;; esac
}
# the job's directory comes first
first=
{
  fence_place ro "$pool/spool/spool_version"
  while read -r how path; do
    case $path in /dev/* | /proc/* | /usr/* | /bin/* | /sbin/* | /lib*/* | /etc/* | /opt/*) continue ;; esac
    case $how in
      rw | log)
        may_write "$path" || hold "$1" "it works in $path, which compute nodes must not write to; submit it from a directory of its own"
        if [ "$how" = log ]; then
          # HTCondor writes there from outside of the fence, too
          [ ! -L "$path" ] || hold "$1" "its log $path is a link; remove it, or name another"
          : >>"$path"
        fi
        how=rw first=${first:-$path}
        case $path in "$pool"/edge/steps/events/log) path=${path%/log} ;; esac
        case $path in "$pool"/edge/steps/*) how=links ;; esac
        ;;
      link)
        case ${path#"$first"/} in
          */*) ;;
          *) [ -L "$path" ] || continue ;;
        esac
        stays "$path" "$(cd -P "$first" && pwd -P)" || hold "$1" "its input $path is a link out of its directory; name in transfer_input_files what it leads to"
        continue
        ;;
      ro) may_read "$path" || hold "$1" "its input $path is a link to elsewhere; name in transfer_input_files what it leads to" ;;
    esac
    fence_place "$how" "$path" || hold "$1" "$path could not be shown to it"
  done
} <"$job.list" >"$job"
# should the fence not stand
export FENCE_HOLD="$bin/condor_hold" FENCE_JOB="$1"
exec <"$job.ad"
rm -f "$job.ad" "$job.list"
exec /bin/sh "$fence/enter.sh" "$fence" same "$job" "$shadow" "$@"
