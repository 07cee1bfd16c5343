#!/bin/bash
# by-hand.sh payload | up | wait | status | down: a cluster on a Slurm site with OpenSSH and HTCondor's own programs, as a
# person would script it: every step is an ssh of its own, nothing is remembered, nothing is proven, nothing resumes.
# $KIT holds the files prepared before, $NODES is how many glide-ins; with $SHARED=yes one connection serves all steps.
# Prints how many commands and copies went to the site.
set -eu
umask 077
login=alice@login name=by-hand tag=$(sed -n 's/^#SBATCH --job-name=//p' "$KIT/job.slurm")
sha=$(basename "$KIT"/*.tar.gz .tar.gz)
pool=$HOME/.scailfin/$name/pool site=.scailfin/$name/site payload=.scailfin/payload/$sha
export CONDOR_CONFIG=$pool/condor_config
trips=$KIT/trips
: >"$trips"
options=(-o BatchMode=yes -o StrictHostKeyChecking=yes)
if [ "${SHARED:-no}" = yes ]; then
  options+=(-o "ControlPath=$HOME/.ssh/by-hand-%C")
  ssh "${options[@]}" -fNM "$login" </dev/null >/dev/null 2>&1
  trap 'ssh "${options[@]}" -O exit "$login" 2>/dev/null' EXIT
fi
remote() { echo >>"$trips"; ssh "${options[@]}" "$login" "$@" </dev/null; }
copy() { echo >>"$trips"; scp -q "${options[@]}" "$@"; }

place_payload() {
  remote "umask 077; mkdir -p $payload"
  remote "test -e $payload/about" && return
  copy "$KIT/$sha.tar.gz" "$login:.scailfin/payload.tar.gz"
  remote "tar -xzf .scailfin/payload.tar.gz -C $payload && rm .scailfin/payload.tar.gz"
}

case $1 in
  payload) place_payload ;;
  up)
    mkdir -p "$pool"/{run,log,spool,execute,lock,keys,tokens}
    cp "$KIT/condor_config" "$KIT/found.config" "$pool/"
    head -c 48 /dev/urandom | base64 | tr -d '\n' >"$pool/keys/POOL"
    # the owner's commands and the daemons prove themselves by a token, a glide-in by one for its submission alone
    domain=$(condor_config_val TRUST_DOMAIN) until=$(($(date +%s) + 2592000))
    condor_token_create -identity "$(id -un)@$domain" -key POOL >"$pool/tokens/owner"
    setsid condor_master -pidfile "$pool/run/master.pid" </dev/null >"$pool/log/start" 2>&1
    until condor_status -schedd -af Name 2>/dev/null | grep -q .; do sleep 0.1; done
    condor_token_create -identity "glidein-a1b2c3d4-$until-0-0@$domain" -key POOL -lifetime 2592000 \
      -authz ADVERTISE_STARTD >"$pool/b1"
    place_payload
    remote "umask 077; mkdir -p $site/logs $site/tokens"
    copy "$KIT"/{settings,glidein.sh,check.sh,leave.sh,glidein.conf,job.slurm} "$login:$site/"
    copy "$pool/b1" "$login:$site/tokens/"
    remote "sbatch --parsable $site/job.slurm" >"$pool/job"
    ;;
  wait)
    until
      jobs=$(remote "squeue -h -r -t running -n $tag -o %i")
      [ "$(grep -c . <<<"$jobs")" -ge "$NODES" ]
    do sleep 0.5; done
    until [ "$(condor_status -af Name | grep -c .)" -ge "$NODES" ]; do sleep 0.5; done
    ;;
  status)
    remote "squeue -r -n $tag"
    condor_status
    condor_q -totals
    ;;
  down)
    remote "scancel -n $tag"
    while
      jobs=$(remote "squeue -h -n $tag -o %i")
      [ -n "$jobs" ]
    do sleep 0.5; done
    remote "rm -rf .scailfin/$name .scailfin/payload && rmdir .scailfin"
    master=$(cat "$pool/run/master.pid")
    kill -QUIT "$master"
    while kill -0 "$master" 2>/dev/null; do sleep 0.1; done
    rm -rf "$HOME/.scailfin/$name"
    rmdir "$HOME/.scailfin"
    ;;
esac
echo "trips=$(wc -l <"$trips")"
