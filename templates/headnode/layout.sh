# shellcheck shell=bash disable=SC2034
# layout: finds HTCondor's programs and libraries; put before the scripts that need them. First it removes the site's
# settings: what users set for the site's own HTCondor would override this pool's configuration
for name in "${!_CONDOR_@}"; do unset "$name"; done
# find_condor system | tarball DIR | module NAME: sets CONDOR_BIN, CONDOR_SBIN, CONDOR_LIB, CONDOR_LIBEXEC, CONDOR_VERSION
find_condor() {
  case $1 in
    module)
      # the start-up files of login shells set modules up
      for f in /etc/profile /etc/profile.d/modules.sh /etc/profile.d/lmod.sh; do
        # shellcheck disable=SC1090
        command -v module >/dev/null 2>&1 || { [ -r "$f" ] && . "$f" >/dev/null 2>&1; }
      done
      command -v module >/dev/null 2>&1 || { echo "$2 can't be loaded: this host has no module command" >&2; return 1; }
      module load "$2" >&2 || { echo "could not load module $2" >&2; return 1; }
      ;;
    tarball) PATH=$2/bin:$2/sbin:$PATH ;;
  esac
  PATH=$PATH:/usr/sbin:/usr/local/sbin
  master=$(command -v condor_master) || { echo "HTCondor is not installed here: no condor_master in $PATH" >&2; return 1; }
  CONDOR_SBIN=$(cd "$(dirname "$master")" && pwd -P)
  root=${CONDOR_SBIN%/*}
  CONDOR_BIN=$root/bin CONDOR_LIBEXEC=$root/libexec CONDOR_LIB=$root/lib
  # distributions keep HTCondor's own files in directories of its name
  [ ! -d "$root/libexec/condor" ] || CONDOR_LIBEXEC=$root/libexec/condor
  for lib in "$root/lib/condor" "$root/lib64/condor"; do [ ! -d "$lib" ] || CONDOR_LIB=$lib; done
  [ -x "$CONDOR_BIN/condor_status" ] || { echo "$master is there, but $CONDOR_BIN/condor_status is not" >&2; return 1; }
  CONDOR_VERSION=$("$CONDOR_BIN/condor_version" 2>/dev/null | sed -n 's/^\$CondorVersion: \([0-9.]*\).*/\1/p')
}
