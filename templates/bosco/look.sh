# shellcheck shell=bash
# bosco-look SOURCE SOURCE_ARG: checks whether this headnode has what it needs to submit to other hosts' batch systems;
# prints missing=WHAT lines
export LC_ALL=C
find_condor "$1" "$2" 2>/dev/null || { echo missing=condor; exit 0; }
[ -x "$CONDOR_SBIN/condor_gridmanager" ] || echo missing=gridmanager
{ [ -x "$CONDOR_BIN/blahpd" ] || [ -x "$CONDOR_SBIN/blahpd" ] || [ -x "$CONDOR_BIN/batch_gahp" ]; } || echo missing=blahpd
[ -r "${CONDOR_SBIN%/*}/libexec/blahp/slurm_submit.sh" ] || [ -r "$CONDOR_LIBEXEC/blahp/slurm_submit.sh" ] || echo missing=scripts
for program in ssh ssh-keygen; do command -v "$program" >/dev/null || echo "missing=$program"; done
exit 0
