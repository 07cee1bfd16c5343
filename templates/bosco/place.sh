# shellcheck shell=bash
# place DIR TYPE SYSTEM LIBRARIES TAG LOGS ARCHIVE: unpacks blahpd into DIR/bosco (where ARCHIVE is given), and writes what it
# must know of this site. The batch system SYSTEM (slurm, sge) is known to HTCondor on the headnode as TYPE.
set -u
umask 077
dir=$1/bosco type=$2 system=$3 libraries=$4 tag=$5 logs=$6 archive=$7
export LC_ALL=C
mkdir -p "$dir/tmp" "$dir/etc" || exit 1
if [ -n "$archive" ]; then
  rm -rf "${dir:?}/bin" "$dir/libexec"
  tar -xzf "$archive" -C "$dir" || { rm -f "$archive"; exit 1; }
  rm -f "$archive"
fi
case $system in slurm) programs='sbatch squeue scancel scontrol' ;; *) programs='qsub qstat qdel' ;; esac
mkdir -p "$dir/programs"
near=
for program in $programs; do
  at=$(command -v "$program") || { echo "$program is not in the PATH here" >&2; exit 5; }
  near=$near:$(dirname "$at")
  # blahp's scripts for Slurm want all in one directory, and sites have some of theirs elsewhere
  printf '#!/bin/sh\nexec %s "$@"\n' "$program" >"$dir/programs/$program"
done
if [ "$system" = sge ] && ! command -v perl >/dev/null; then echo "HTCondor's blahp needs perl to submit to Grid Engine, and there is none here" >&2; exit 5; fi
echo "$libraries" >"$dir/etc/libraries"
{
  echo "# read by blahpd and its scripts; made by scailfin"
  echo "supported_lrms=$system"
  echo "blah_shared_directories=/"
  echo "scailfin_tag=$tag"
  [ "$system" != slurm ] || echo "slurm_binpath=$dir/programs"
  # Slurm's words of the job's own go where the job script sends them, too
  echo "slurm_std_storage=$logs/%j.out"
  echo "sge_rootpath=${SGE_ROOT:-}"
  echo "sge_cellname=${SGE_CELL:-default}"
  # blahpd's libraries are not its children's
  echo "LD_LIBRARY_PATH="
  # where they were found, should they not be found then
  echo "PATH=\$PATH$near"
} >"$dir/etc/blah.config"
# what is printed here goes into the job's script, before blahp's own wrapper, which is never reached: the job is the very
# script that would be submitted directly
printf 'cat "%s/job"\n' "$dir" >"$dir/libexec/${system}_local_submit_attributes.sh"
for verb in submit status cancel ping local_submit_attributes; do
  [ "$type" = "$system" ] || ln -sf "${system}_$verb.sh" "$dir/libexec/${type}_$verb.sh" || exit 1
done
chmod 700 "$dir"/programs/* "$dir"/libexec/*
exit 0
