# shellcheck shell=bash
# bosco-cut OUT SOURCE SOURCE_ARG: copies blahpd, and its scripts for the batch systems that scailfin knows, from this
# host's HTCondor into OUT (a .tar.gz). The libraries are those of the glide-ins' payload. Exits with 6 and the name of
# what is missing.
set -u
umask 077
export LC_ALL=C
out=$1
find_condor "$2" "$3" || exit 5
blahpd=$CONDOR_BIN/blahpd
[ -x "$blahpd" ] || blahpd=$CONDOR_SBIN/blahpd
[ -x "$blahpd" ] || blahpd=$CONDOR_BIN/batch_gahp
scripts=${CONDOR_SBIN%/*}/libexec/blahp
[ -d "$scripts" ] || scripts=$CONDOR_LIBEXEC/blahp
t=$(mktemp -d) || exit 1
trap 'rm -rf "$t"' EXIT
mkdir -p "$t/bin" "$t/libexec"
cp -L "$blahpd" "$t/bin/blahpd" || exit 6
for f in blah_load_config blah_common_submit_functions slurm_submit slurm_cancel slurm_ping sge_submit sge_cancel sge_ping; do
  cp -L "$scripts/$f.sh" "$t/libexec/" || exit 6
done
# The hook with the job's directives is read by `source`, which not every /bin/sh has. The errors of qsub are kept.
# shellcheck disable=SC2016
sed -i -e 's|echo \\#\\!/bin/sh >|echo \\#\\!/bin/bash >|' -e 's|qsub $bls_tmp_file 2> */dev/null|qsub $bls_tmp_file|' "$t/libexec/sge_submit.sh"
tar -C "$t" --sort=name --mtime=@1000000000 --owner=0 --group=0 --numeric-owner -czf "$out.part" . && mv "$out.part" "$out"
