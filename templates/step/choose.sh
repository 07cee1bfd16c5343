# shellcheck shell=sh disable=SC2034,SC2154
# ---- which runtime runs the image; and if none can, the reason that matters, which is seldom the last one

# choose: sets `runtime`, `program`, `ready`, `source`, or ends the step with the reason
choose() {
  seen='' programs='' absent='' attempts='' worst=9 unreached=''
  launcher=${SCAILFIN_LAUNCHER:-none}
  if [ "$launcher" != none ]; then
    command -v "$launcher" >/dev/null || fail 164 "the site's profile starts steps with $launcher, but this node has no $launcher"
    attend launch || fail 164 "$launcher could not start a program: $(last_words "$own/words")"
  fi
  if [ "$kind" = none ]; then
    runtime=none program='' ready=''
    return
  fi
  [ "$kind" != path ] || [ -e "$image" ] || fail 161 "there is no $image on this node"
  for entry in ${SCAILFIN_RUNTIMES-} shifter podman-hpc apptainer singularity charliecloud; do
    runtime=${entry%%=*}
    case " $seen " in *" $runtime "*) continue ;; esac
    seen="$seen $runtime"
    modules=${entry#"$runtime"}
    if ! find_runtime "$runtime" "${modules#=}"; then
      absent="$absent${absent:+, }$runtime"
      continue
    fi
    # on many systems, singularity is a link to apptainer
    real=$(readlink -f "$program")
    case ":$programs:" in *":$real:"*) continue ;; esac
    programs=$programs:$real
    # old versions of Shifter have no --version
    if ! version=$("$program" --version 2>&1 </dev/null) && [ "$runtime" != shifter ]; then
      tried broken "$(echo "$version" | tail -n 1)"
      continue
    fi
    # Charliecloud makes all that it shows writable
    case $runtime:$binds in
      charliecloud:*ro"$tab"/*)
        tried form "it can't show a directory of the site read-only (:ro)"
        continue
        ;;
    esac
    rm -f "$own/pulled" "$own/of_site"
    why='' cause=form
    if ! provide; then
      tried "$cause" "$why"
      continue
    fi
    # `scailfin images pull`: nothing is run
    if [ "${SCAILFIN_PULL-}" = only ]; then
      case $runtime in
        shifter | podman-hpc) return ;;
        *) in_store "$image_key.sif" || in_store "$image_key.tar" || fail 165 "images can't be kept in ${SCAILFIN_IMAGES-}" ;;
      esac
      return
    fi
    number_in "$version"
    proof
    if [ ! -e "$proved" ]; then
      if ! attend prove; then
        tried start "$(last_words "$own/words")"
        continue
      fi
      : >"$proved"
      proved=''
    fi
    printf %s "$attempts" >&2
    return
  done
  blame
}

# cause_of FILE: what the words of a program that could not get an image are about
cause_of() {
  if is_about_space "$1" || [ -e "$own/full" ]; then echo full
  elif grep -qiE 'toomanyrequests|too many requests|rate limit' "$1"; then echo limited
  elif grep -qiE 'manifest.?unknown|name.?unknown|repository does not exist|: not in registry|(status|code|http)[^0-9]{1,12}404' "$1"; then echo unknown
  elif grep -qiE 'unauthori[sz]ed|authentication required|access denied|denied:|is denied|forbidden|(status|code|http)[^0-9]{1,12}40[13]' "$1"; then echo denied
  elif grep -qiE 'x509:|certificate' "$1"; then echo trust
  elif grep -qiE 'no such host|could not resolve|failed to resolve|name resolution|name or service not known|server misbehaving|connection refused|no route to host|network is (unreachable|down)|time.?out|timed out|deadline exceeded|connection reset|proxyconnect|max retries exceeded|: EOF' "$1"; then echo reach
  else echo fetch; fi
}

# tried CAUSE WORDS: notes why `runtime` can't run the image. A cause matters more, the further this runtime came: one that
# obtained the image and could not start it came furthest
tried() {
  case $1 in full) rank=1 ;; start) rank=2 ;; limited | unknown | denied) rank=3 ;; reach | trust) rank=4 ;; fetch) rank=5 ;; broken) rank=6 ;; *) rank=7 ;; esac
  case $1 in
    broken) line="$runtime ($program) does not work: $2" ;;
    start) line="$runtime ($program) could not start $image: $2" ;;
    form) line="$runtime ($program): $2" ;;
    *) line="$runtime ($program) could not get $image: $2" ;;
  esac
  attempts="${attempts}scailfin: $line
"
  case $1 in reach | trust) unreached=$1 ;; esac
  [ "$rank" -lt "$worst" ] || return 0
  worst=$rank worst_cause=$1 worst_line=$line worst_words=$2
}

# blame: ends the step with the reason that matters, what to do about it, and a line for each runtime that was tried
blame() {
  runtime='' elsewhere="name an image that the node has: a path such as /shared/image.sif, or one below /cvmfs"
  [ "$worst" != 9 ] || fail 160 'this node has no container runtime: Shifter, Podman-HPC, Apptainer, Singularity or Charliecloud'
  [ -z "$absent" ] || attempts="${attempts}scailfin: not on this node: $absent
"
  case $worst_cause in
    full) fail 165 "the disk of this node has no room for the image $image: $worst_line" ;;
    start | broken) fail 160 "$worst_line" ;;
    limited)
      hint="Wait for an hour; or use your login, whose limit is higher: scailfin images login $registry"
      fail 161 "$registry does not give this node the image $image now, because too many images were pulled from there (its rate limit)"
      ;;
    unknown)
      hint='Check the name and the tag of the image'
      fail 161 "the image $image does not exist: $registry has no such name or tag"
      ;;
    denied)
      hint="Check the name of the image; for a private one: scailfin images login $registry"
      fail 161 "$registry does not give the image $image to everybody, or has no such image: $worst_words"
      ;;
    reach)
      [ "${SCAILFIN_PULL-}" = only ] || hint="Pull it once for all nodes: scailfin images pull $image; or $elsewhere"
      fail 161 "this node can't reach $registry, so the image $image can't be pulled there"
      ;;
    trust)
      hint="Ask the site which certificates its nodes trust, or $elsewhere"
      fail 161 "this node does not trust the certificate of $registry, so the image $image can't be pulled there"
      ;;
    *) fail 161 "the image $image could not be obtained: $worst_line" ;;
  esac
}
