# shellcheck shell=bash
# place DIR TYPE SYSTEM LIBRARIES TAG LOGS ARCHIVE SILENCE CLUSTER: unpacks blahpd into DIR/bosco (if ARCHIVE is given), and writes the
# site's settings for it. HTCondor on the headnode knows the batch system SYSTEM (slurm, sge, pbs, lsf) as TYPE. A job
# that exists may be missing from its answers for SILENCE seconds. Jobs go to CLUSTER of Slurm, if that is not empty.
set -u
umask 077
dir=$1/bosco type=$2 system=$3 libraries=$4 tag=$5 logs=$6 archive=$7 silence=$8 cluster=$9
export LC_ALL=C
mkdir -p "$dir/tmp" "$dir/etc" || exit 1
# what nodes said before these settings no longer counts
rm -rf "${dir%/bosco}/refused"
if [ -n "$archive" ]; then
  rm -rf "${dir:?}/bin" "$dir/libexec"
  tar -xzf "$archive" -C "$dir" || { rm -f "$archive"; exit 1; }
  rm -f "$archive"
fi
case $system in
  slurm) programs='sbatch squeue scancel scontrol' ;;
  pbs) programs='qsub qselect qstat qdel' ;;
  lsf) programs='bsub bjobs bkill bqueues' ;;
  *) programs='qsub qstat qdel' ;;
esac
mkdir -p "$dir/programs"
near=
for program in $programs; do
  at=$(command -v "$program") || { echo "$program is not in the PATH on this host" >&2; exit 5; }
  near=$near:$(dirname "$at")
  # blahp's scripts for Slurm expect all commands in one directory, but some sites have them in several
  printf '#!/bin/sh\n%sexec %s "$@"\n' "${cluster:+export SLURM_CLUSTERS=$cluster; }" "$program" >"$dir/programs/$program"
done
if [ "$system" = sge ] && ! command -v perl >/dev/null; then echo "HTCondor's blahp needs perl to submit to Grid Engine, and this host has no perl" >&2; exit 5; fi
echo "$libraries" >"$dir/etc/libraries"
# what a login at the site sets, and the batch system's programs need
for name in $(compgen -e | grep -E '^(LSF|LSB|PBS)_[A-Z0-9_]+$'); do printf 'export %s=%q\n' "$name" "${!name}"; done >"$dir/etc/environment"
{
  echo "# read by blahpd and its scripts; made by scailfin"
  echo "supported_lrms=$system"
  echo "blah_shared_directories=/"
  echo "scailfin_tag=$tag"
  echo "scailfin_silence=$silence"
  echo "scailfin_cluster=$cluster"
  [ "$system" != slurm ] || echo "slurm_binpath=$dir/programs"
  # Slurm's messages about the job go to the same file as the job script's output
  echo "slurm_std_storage=$logs/%j.out"
  echo "sge_rootpath=${SGE_ROOT:-}"
  echo "sge_cellname=${SGE_CELL:-default}"
  # blahpd's children must not use blahpd's libraries
  echo "LD_LIBRARY_PATH="
  # the directories in which the programs were found now, in case PATH is different later
  echo "PATH=\$PATH$near"
} >"$dir/etc/blah.config"
case $system in
  # scailfin's own script does everything
  pbs | lsf)
    ln -sf "${system}_jobs.sh" "$dir/libexec/${system}_submit.sh" || exit 1
    # of these two systems, blahpd asks for jobs by a script that is Python in HTCondor; a job's id begins with the system's name
    for verb in status.sh status.py cancel.sh ping.sh; do
      for name in "$type" "$system"; do ln -sf "${system}_jobs.sh" "$dir/libexec/${name}_$verb" || exit 1; done
    done
    ;;
  *)
    # The text printed here becomes the start of the job's script, before blahp's own wrapper, which is never reached. So the
    # job is the same script that would be submitted directly
    printf 'cat "%s/job"\n' "$dir" >"$dir/libexec/${system}_local_submit_attributes.sh"
    for verb in status cancel ping local_submit_attributes; do
      ln -sf "${system}_$verb.sh" "$dir/libexec/${type}_$verb.sh" || exit 1
    done
    chmod 700 "$dir"/libexec/*
    ;;
esac
# blahpd asks by the type; what submits is called by the system's name
ln -sf once.sh "$dir/libexec/${type}_submit.sh" || exit 1
chmod 700 "$dir"/programs/*
exit 0
