# shellcheck shell=sh
# htcondor-submit: submits the description on stdin, unless no node shares this machine's files. HTCondor would accept
# such a job and never start it. If the collector can't answer, the schedd decides.
domain=$(condor_config_val FILESYSTEM_DOMAIN 2>/dev/null)
slots() { condor_status -limit 1 -af FileSystemDomain "$@" 2>/dev/null; }
if [ -n "$domain" ] && other=$(slots) && [ -n "$other" ] &&
  near=$(slots -constraint "FileSystemDomain == \"$domain\"") && [ -z "$near" ]; then
  echo "ERROR: no node of this pool has this machine's FILESYSTEM_DOMAIN, $domain (one has $other)" >&2
  exit 1
fi
exec condor_submit -terse
