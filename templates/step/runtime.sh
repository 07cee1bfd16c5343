# shellcheck shell=sh disable=SC2034,SC2154
# ---- the container runtimes of this node: found in PATH, otherwise by a module; a runtime counts only after a successful test

program_of() { case $1 in charliecloud) echo ch-run ;; *) echo "$1" ;; esac; }
PATH=$PATH:/usr/local/bin:/usr/sbin:/sbin:/usr/local/sbin

# load NAME…: by the module system of the node
load() {
  set +u
  if ! command -v module >/dev/null 2>&1; then
    for init in /etc/profile.d/modules.sh /etc/profile.d/lmod.sh /etc/profile.d/z00_lmod.sh "${MODULESHOME:-/opt/modules/default}/init/sh" \
      "${LMOD_PKG:-/usr/share/lmod/lmod}/init/sh" /usr/share/modules/init/sh; do
      # shellcheck disable=SC1090
      if [ -r "$init" ]; then . "$init" >/dev/null 2>&1 && command -v module >/dev/null 2>&1 && break; fi
    done
  fi
  if command -v module >/dev/null 2>&1; then
    module load "$@" >/dev/null 2>&1
  else
    for modulecmd in "$(command -v modulecmd)" /opt/modules/default/bin/modulecmd "${MODULESHOME:-/usr}/bin/modulecmd"; do
      if [ -x "$modulecmd" ]; then eval "$("$modulecmd" sh load "$@" 2>/dev/null)" && break; fi
    done
  fi
  set -u
}

# find RUNTIME MODULES: sets `program`
find_runtime() {
  program=$(command -v "$(program_of "$1")") && return 0
  # shellcheck disable=SC2046  # the profile may name several, with commas
  load $(printf %s "${2:-$1}" | tr ',' ' ')
  program=$(command -v "$(program_of "$1")")
}

# writes the names of these variables to the file $theirs
theirs_awk='BEGIN {
  for (name in ENVIRON)
    if (name ~ /^(SCAILFIN|_CONDOR)_[A-Za-z0-9_]*$/ && name !~ /^(SCAILFIN_STEP|_CONDOR_ANCESTOR_.*)$/) print name >ENVIRON["theirs"]
  printf "" >ENVIRON["theirs"]
}'

# contain COMMAND…: puts COMMAND before the command line that starts a shell in the image. The shell reads its commands
# from its input
contain() {
  case $runtime in
    apptainer | singularity)
      set -- "$@" "$program" --silent exec --cleanenv --no-home --bind "$tmp:/tmp" --bind "$tmp:/var/tmp"
      ;;
    charliecloud)
      set -- "$@" "$program" --write-fake --unset-env='*'
      [ ! -r "$ready/ch/environment" ] || set -- "$@" --set-env="$ready/ch/environment"
      set -- "$@" --bind "$tmp:/tmp" --bind "$tmp:/var/tmp"
      ;;
    shifter) set -- "$@" "$program" "--image=$ready" ;;
    podman-hpc)
      set -- "$@" "$program" run --rm --interactive --name "scailfin-$SCAILFIN_STEP" --network=host --entrypoint /bin/sh
      set -- "$@" --volume "$tmp:/tmp"
      ;;
  esac
  while IFS=$tab read -r mode from to; do
    [ -n "$mode" ] || continue
    suffix=''
    [ "$mode" = rw ] || suffix=:ro
    case $runtime in
      apptainer | singularity | charliecloud) set -- "$@" --bind "$from:$to$suffix" ;;
      # what the site shows to all containers is there already
      shifter) [ "$from" = "$to" ] || set -- "$@" "--volume=$from:$to$suffix" ;;
      podman-hpc) set -- "$@" --volume "$from:$to$suffix" ;;
    esac
  done <<END
$binds
END
  case $runtime in
    none) set -- "$@" /bin/sh -s ;;
    apptainer | singularity)
      # after /tmp, because the workspace may be below it
      set -- "$@" --bind "$tree:$workspace"
      [ -z "$secrets" ] || set -- "$@" --bind "$secrets:/etc/reana/secrets"
      [ ! -e /dev/nvidiactl ] || set -- "$@" --nv
      set -- "$@" "$ready" /bin/sh -s
      ;;
    charliecloud)
      set -- "$@" --bind "$tree:$workspace"
      [ -z "$secrets" ] || set -- "$@" --bind "$secrets:/etc/reana/secrets"
      set -- "$@" "$ready" -- /bin/sh -s
      ;;
    shifter)
      # Shifter makes mount points only at the top level
      top=${workspace#/} top=${top%%/*}
      [ "$shared" = yes ] || set -- "$@" "--volume=$own/root/$top:/$top"
      set -- "$@" -- /bin/sh -s
      ;;
    podman-hpc)
      set -- "$@" --volume "$tree:$workspace"
      [ -z "$secrets" ] || set -- "$@" --volume "$secrets:/etc/reana/secrets"
      case $ready in /*) set -- "$@" --rootfs ;; esac
      set -- "$@" "$ready" -s
      ;;
  esac
  case $launcher in
    aprun) set -- aprun -b -n 1 -d "${OMP_NUM_THREADS:-1}" -- "$@" ;;
    srun) set -- srun --ntasks=1 --nodes=1 --cpus-per-task="${OMP_NUM_THREADS:-1}" --overlap "$@" ;;
  esac
  # the shell passes the variables on that the step should get; other variables of HTCondor and the site are not passed on
  unset LC_ALL
  [ -e "$own/theirs" ] || theirs=$own/theirs awk "$theirs_awk"
  while read -r name; do unset "$name"; done <"$own/theirs" || exit 166
  cd / || exit 166
  exec setsid "$@" 7>&- 9>&-
}

# tests the launcher alone, once per node
launch() {
  [ ! -e "$cache/proved/$launcher" ] || return 0
  runtime=none
  (contain </dev/null >"$own/words" 2>&1) && : >"$cache/proved/$launcher"
}
# a test run: the image exists, has a shell, and sees the workspace and what else it shall see
prove() {
  {
    printf 'cd %s && test -w . || exit 1\n' "$(quote "$workspace")"
    while IFS=$tab read -r mode from to; do
      [ -z "$mode" ] || printf 'set -- %s; test -e "$1" || { echo "error: $1 is not there in the container" >&2; exit 1; }\n' "$(quote "$to")"
    done <<END
$binds
END
  } >"$own/try"
  (contain <"$own/try" >"$own/words" 2>&1)
}
quote() { printf %s "$1" | awk "$base64_awk"'{ text = text (NR > 1 ? "\n" : "") $0 } END { printf "%s", quoted(text) }'; }
proof() {
  proved=$(printf %s "$program:${ready:-}:$launcher:${workspace%/*}:$binds" | sha256sum)
  proved=$cache/proved/$runtime-$image_key-${proved%"${proved#????????????????}"}
}
# number_in TEXT: sets `version` to the first word that looks like a version number
number_in() {
  version=''
  set -f
  for word in $1; do
    word=${word#"${word%%[0-9]*}"}
    case $word in [0-9]*.[0-9]*) version=${word%%[!0-9A-Za-z.~+-]*} && break ;; esac
  done
  set +f
}
