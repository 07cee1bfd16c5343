# shellcheck shell=sh
# htcondor-submit: submits the description on stdin, unless no node sees this machine's files. HTCondor would take such a
# job and never start it. Where the collector can't tell, the schedd decides.
domain=$(condor_config_val FILESYSTEM_DOMAIN 2>/dev/null)
slots() { condor_status -limit 1 -af FileSystemDomain "$@" 2>/dev/null; }
if [ -n "$domain" ] && other=$(slots) && [ -n "$other" ] &&
  near=$(slots -constraint "FileSystemDomain == \"$domain\"") && [ -z "$near" ]; then
  echo "ERROR: no node here is of this machine's FILESYSTEM_DOMAIN, $domain (one is of $other)" >&2
  exit 1
fi
exec condor_submit -terse
