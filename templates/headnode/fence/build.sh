# shellcheck shell=bash disable=SC2034,SC2154  # places.sh uses what is set here, and sets more
# fence_build DIR: prepares the parts of all fences of the pool in DIR, below DIR/fence: an empty root directory with
# mount points, and `static`, the list of what is visible behind every fence: the system's programs, HTCondor's own
# programs, and a few devices. Needs find_condor before it. @returns 1 with the reason on stderr if no fence can be built
# on this machine
fence_build() {
  local pool=$1 fence=$1/fence root=$1/fence/root nofollow='' dir at
  # shellcheck disable=SC1091
  . "$fence/places.sh"
  # job descriptions that a killed shadow left: they contain the secret of its claim
  [ ! -d "$fence/jobs" ] || find "$fence/jobs" -type f -mmin +10 -delete
  mkdir -p "$fence/jobs" "$1/lock" "$root/tmp" "$root/var" "$root/dev" "$root/proc" "$root$1/edge" "$1/log/shadow" || return 1
  ln -sfn ../tmp "$root/var/tmp"
  : >>"$1/found.config"
  {
    fence_escape "$root"
    echo "$escaped $escaped none bind,ro,nosuid,nodev,noexec 0 0"
    for dir in /usr /bin /sbin /lib /lib32 /lib64 /etc /opt /nix /gnu; do
      if [ -L "$dir" ]; then ln -sfn "$(readlink "$dir")" "$root$dir"; elif [ -d "$dir" ]; then fence_place rw "$dir"; fi
    done
    for dir in /dev/null /dev/zero /dev/full /dev/random /dev/urandom /proc/cpuinfo /proc/meminfo /proc/stat /proc/loadavg; do
      fence_place rw "$dir"
    done
    # HTCondor may be anywhere: in a module's directory, or in the home directory
    {
      printf '%s\n' "$CONDOR_BIN" "$CONDOR_SBIN" "$CONDOR_LIB" "$CONDOR_LIBEXEC"
      ldd "$CONDOR_SBIN/condor_shadow" | sed -n 's|.* => \(/.*\)/[^/]* (0x.*|\1|p'
    } | sort -u | while read -r dir; do
      at=$(cd "$dir" 2>/dev/null && pwd -P) || continue
      case $at/ in /usr/* | /opt/* | /nix/* | /gnu/* | /lib*) ;; *) fence_place rw "$dir" ;; esac
    done
    # names are resolved as everywhere else on this machine
    at=$(readlink -f /etc/resolv.conf) && case $at in '' | /etc/*) ;; *) fence_place rw "$at" ;; esac
    fence_place rw /var/lib/sss/pipes
    fence_place ro "$1/condor_config"
    fence_place ro "$1/found.config"
    # the pool's shared port is here
    fence_place ro "$1/lock"
    fence_place rw "$1/log/shadow"
    # these directories come and go
    for dir in steps runs workspaces venvs; do
      mkdir -p "$root$1/edge/$dir"
      fence_escape "$root$1/edge/$dir"
      echo "tmpfs $escaped tmpfs mode=755,size=1m,nosuid,nodev,noexec 0 0"
    done
  } >"$fence/static.new" && mv "$fence/static.new" "$fence/static" || return 1
  fence_escape "$root/tmp"
  echo "tmpfs $escaped tmpfs mode=1777,size=256m,nosuid,nodev,noexec 0 0" >"$fence/tmp"
  fence_escape "$root/proc"
  echo "/proc $escaped none rbind 0 0" >"$fence/proc-same"
  echo "proc $escaped proc nosuid,nodev,noexec 0 0" >"$fence/proc-own"
  # the fence works if HTCondor's program is visible from inside and the pool's key is not
  # shellcheck disable=SC2016
  fence_trial "$fence" '' sh -c '[ -x "$1" ] && [ -r "$2/condor_config" ] && [ ! -e "$2/keys" ]' sh "$CONDOR_SBIN/condor_shadow" "$1" || {
    echo 'a program behind the fence could not run, or could see a file that must be hidden' >&2
    return 1
  }
  # newer kernels and programs can also prevent that links are followed
  mkdir -p "$fence/links" && : >"$fence/links/file" && ln -sfn file "$fence/links/link"
  fence_escape "$fence/links"
  at=$escaped
  fence_escape "$root$1/edge/steps/links"
  # shellcheck disable=SC2016
  fence_trial "$fence" "$at $escaped none rbind,X-mount.mkdir,nosymfollow 0 0" sh -c '[ -e "$1/file" ] && [ ! -e "$1/link" ]' \
    sh "$1/edge/steps/links" && nofollow=,nosymfollow
  printf 'pool=%q\nnofollow=%q\nbin=%q\nshadow=%q\nhome=%q\n' "$1" "$nofollow" "$CONDOR_BIN" "$CONDOR_SBIN/condor_shadow" \
    "$(cd && pwd -P)" >"$fence/settings.new" && mv "$fence/settings.new" "$fence/settings"
}
# fence_trial FENCE TABLE COMMAND…: tells whether COMMAND succeeds behind a fence that also shows the places of TABLE
fence_trial() {
  local fence=$1
  printf '%s\n' "$2" >"$fence/jobs/trial.$$"
  shift 2
  sh "$fence/enter.sh" "$fence" same "$fence/jobs/trial.$$" "$@"
}
