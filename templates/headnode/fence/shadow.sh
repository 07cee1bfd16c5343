#!/bin/sh
# shellcheck disable=SC2154  # the file settings sets these
# shadow.sh ARGUMENT…: HTCondor's schedd runs this as its shadow, with the description of a job on standard input. The
# shadow does on this machine what the job's compute node asks for, as the pool's owner. So it runs behind a fence: it
# sees the job's directory and the files that the job names, and no other files of the owner. Exits with 112 (the job is
# to be held) if the job names a file that no compute node may have.
set -u
umask 077
fence=${0%/*}
# shellcheck disable=SC1091
. "$fence/settings"
# shellcheck disable=SC1091
. "$fence/places.sh"
job=$fence/jobs/$$
# the schedd gives the shadow no output of its own; compute nodes can't make links in this directory
exec >>"$pool/log/FenceLog" 2>&1
hold() {
  echo "$(date '+%m/%d/%y %H:%M:%S') job $1 is held: $2" >&2
  # without this the schedd would give no reason
  "$bin/condor_hold" -reason "$2" "$1"
  rm -f "$job" "$job.ad" "$job.list"
  exit 112
}
awk -v copy="$job.ad" -v spool="$pool/spool" -f "$fence/ad.awk" >"$job.list" || hold "$1" "the list of its files could not be read"

# may_write PATH: tells whether a compute node may write there. A job must not work in the owner's home directory itself,
# among the pool's files, or in hidden directories such as ~/.ssh
may_write() {
  if [ -d "$1" ]; then real=$(cd -P "$1" && pwd -P) || return 1; else real=$(cd -P "${1%/*}/" && pwd -P)/${1##*/} || return 1; fi
  case $real/ in
    "$pool"/edge/steps/*/job/ | "$pool"/edge/steps/events/log/ | "$pool"/workers/*/job/ | "$pool"/spool/[0-9]*/) return 0 ;;
    # proxies, sockets and files of all users are here
    /tmp/ | /var/tmp/ | /dev/* | /run/*) return 1 ;;
    "${pool%/*/*}"/* | "$home"/.*) return 1 ;;
  esac
  case $home/ in "${real%/}"/*) return 1 ;; esac
  return 0
}
# An earlier job may have left links in the place of this job's inputs: links that lead outside are not followed. stays
# PATH DIR: tells whether PATH, with all links resolved, is below DIR
stays() {
  real=$(readlink -f "$1") || return 0 # it is not there
  case $real in "$2"/*) return 0 ;; *) return 1 ;; esac
}
# may_read PATH: tells whether PATH is the file that its name says; a hidden file is read only by its own name
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
        may_write "$path" || hold "$1" "compute nodes must not write to $path, where it works; submit it from a directory of its own"
        if [ "$how" = log ]; then
          # HTCondor also writes to the log from outside the fence
          [ ! -L "$path" ] || hold "$1" "its log $path is a link; remove the link, or name another log"
          : >>"$path"
        fi
        how=rw first=${first:-$path}
        case $path in "$pool"/edge/steps/events/log) path=${path%/log} ;; esac
        case $path in "$pool"/edge/steps/* | "$pool"/workers/*) how=links ;; esac
        ;;
      link)
        case ${path#"$first"/} in
          */*) ;;
          *) [ -L "$path" ] || continue ;;
        esac
        stays "$path" "$(cd -P "$first" && pwd -P)" || hold "$1" "its input $path is a link out of its directory; name the link's target in transfer_input_files"
        continue
        ;;
      ro) may_read "$path" || hold "$1" "its input $path is a link to another directory; name the link's target in transfer_input_files" ;;
    esac
    fence_place "$how" "$path" || hold "$1" "$path could not be shown to it"
  done
} <"$job.list" >"$job"
# these are used if the fence can't be built
export FENCE_HOLD="$bin/condor_hold" FENCE_JOB="$1"
exec <"$job.ad"
rm -f "$job.ad" "$job.list"
exec /bin/sh "$fence/enter.sh" "$fence" same "$job" "$shadow" "$@"
