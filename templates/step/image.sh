# shellcheck shell=sh disable=SC2034,SC2154
# ---- the image: a path, or a name in a registry; fetched once per node

# kind: none, path, docker, or another scheme of Apptainer such as oras
case $image in
  '') kind=none ;;
  /*) kind=path ;;
  docker://*) kind=docker reference=${image#docker://} ;;
  docker:*) kind=docker reference=${image#docker:} ;;
  *://*) kind=${image%%://*} reference=$image ;;
  *) kind=docker reference=$image ;;
esac
# the complete name, such as docker.io/library/python:3.12
if [ "$kind" = docker ]; then
  case ${reference%%/*} in
    index.docker.io | registry-1.docker.io) reference=docker.io/${reference#*/} ;;
    "$reference") reference=docker.io/library/$reference ;;
    *.* | *:* | localhost) ;;
    *) reference=docker.io/$reference ;;
  esac
  case $reference in docker.io/*/*) ;; docker.io/*) reference=docker.io/library/${reference#docker.io/} ;; esac
  case ${reference##*/} in *:* | *@*) ;; *) reference=$reference:latest ;; esac
fi
# the host that is asked for it, with its port
case $kind in
  none | path) registry='' ;;
  docker) registry=${reference%%/*} ;;
  *) registry=${reference#*://} registry=${registry%%/*} ;;
esac
[ "$registry" != docker.io ] || registry='registry-1.docker.io'
[ "$kind" = none ] || image_key=$(printf %s "$image" | sed 's|.*/||; s|[^A-Za-z0-9._-]|_|g' | cut -c1-60)-$(printf %s "${reference:-$image}" | sha256sum | cut -c1-16)

# many images are available unpacked in CVMFS
unpacked() {
  for registry in "${reference%%/*}" registry.hub.docker.com; do
    [ "$registry" = "${reference%%/*}" ] || [ "${reference%%/*}" = docker.io ] || continue
    found=/cvmfs/unpacked.cern.ch/$registry/${reference#*/}
    if [ -d "$found/" ]; then echo "$found" && return; fi
  done
  return 1
}

# provide: sets `ready`, the argument for the runtime that names the image, and `source`. @returns 1, `why` and `cause` if
# this runtime can't use the image
provide() {
  source=local ready=$image
  case $kind in
    none) return 0 ;;
    path)
      [ -e "$image" ] || { why="there is no $image on this node"; return 1; }
      provide_path
      ;;
    *) provide_reference ;;
  esac
}
provide_path() {
  case $runtime:$(shape_of "$image") in
    shifter:*) why='Shifter takes only images from a registry' ;;
    podman-hpc:directory | charliecloud:directory | apptainer:* | singularity:*) return 0 ;;
    charliecloud:squashfs | charliecloud:sif)
      # the name has the file's time and size: a changed image is another image
      keep_once "$(stat -L -c %Y.%s "$image").$image_key.d" unsquash
      return
      ;;
    *) why="$runtime can't run $image" ;;
  esac
  return 1
}
shape_of() {
  if [ -d "$1" ]; then echo directory && return; fi
  case $(head -c 64 "$1" | tr -dc '[:alnum:]' | cut -c1-60) in
    hsqs*) echo squashfs ;;
    *SIF*) echo sif ;;
    *) echo unknown ;;
  esac
}
provide_reference() {
  if [ "$kind" = docker ] && [ "$runtime" != shifter ] && found=$(unpacked); then
    ready=$found source=cvmfs
    return 0
  fi
  case $runtime:$kind in
    apptainer:* | singularity:*)
      from_site "$image_key.sif" pull_sif
      status=$?
      [ "$status" = 2 ] || return "$status"
      keep_once "$image_key.sif" pull_sif
      ;;
    charliecloud:docker) keep_once "$image_key.d" unpack_of_site ;;
    shifter:docker | podman-hpc:docker) have_pulled ;;
    *) why="$runtime can't get $image" && return 1 ;;
  esac
}

# sets `why` and `cause` from the words of the program that should have fetched the image
not_fetched() {
  why=$(last_words "$own/words")
  why=${why:-it could not be fetched} cause=$(cause_of "$own/words")
}
# what one runtime could not reach a moment ago, another would wait for in vain
is_unreached() {
  [ -n "$unreached" ] && [ "$kind" != path ] || return 1
  cause=$unreached why="not tried, because $registry could not be reached"
}

# from_site NAME COMMAND…: the image is used from the site's directory, where COMMAND brings it on one node. One step of a
# node asks for it. @returns 1 if it can't be fetched, 2 if each node must have its own
from_site() {
  [ -n "$store" ] || return 2
  if ! in_store "$1"; then
    if is_unreached; then return 1; fi
    say "fetching the image $image for all nodes of the site"
    attend locked "$1" once_for_site "$@"
    case $? in
      0) in_store "$1" || return 2 ;;
      1) not_fetched && return 1 ;;
      *) return 2 ;;
    esac
  fi
  ready=$stored source=site
  [ ! -e "$own/pulled" ] || source=pulled
}
# for runtimes that need a directory: the site has one file, and each node unpacks it
unpack_of_site() {
  if in_store "$image_key.sif" && command -v unsquashfs >/dev/null; then
    unsquash_file "$stored" "$1" && : >"$own/of_site" && return
    remove "$1"
  fi
  [ -n "$store" ] || { pull_directory "$1"; return; }
  once_for_site "$image_key.tar" pull_archive
  case $? in
    0)
      in_store "$image_key.tar" && mkdir "$1" && tar -xf "$stored" -C "$1" || return
      [ -e "$own/pulled" ] || : >"$own/of_site"
      ;;
    1) return 1 ;;
    *) pull_directory "$1" ;;
  esac
}

# keep_once FILE COMMAND…: provides images/FILE. If it is not there, COMMAND makes it at the path it gets. The file is
# locked until the step ends
keep_once() {
  ready=$cache/images/$1 source=cache
  { : >>"$cache/locks/$1"; } 2>/dev/null
  exec 7<"$cache/locks/$1"
  attend flock -s 7
  if [ ! -e "$ready" ]; then
    flock -u 7
    if is_unreached; then return 1; fi
    say "fetching the image $image for $runtime"
    attend locked "$1" make_image "$@" || { not_fetched && return 1; }
    attend flock -s 7
    if [ -e "$own/of_site" ]; then source=site; elif [ -e "$own/pulled" ]; then source=pulled; fi
  fi
  used "$ready"
}
# runs inside the lock: another step may have been quicker, or have failed a moment ago
make_image() {
  file=$1
  shift
  [ ! -e "$cache/images/$file" ] || return 0
  if [ -n "$(find "$cache/failed/$file" -mmin -1 2>/dev/null)" ]; then
    cat "$cache/failed/$file" >"$own/words"
    return 1
  fi
  trim 0
  make_part && mkdir "$part/layers" || return
  if ("$@" "$part/image") >"$own/words" 2>&1 9>&- && [ -e "$part/image" ] && mv "$part/image" "$cache/images/$file"; then
    remove "$part"
    : >"$own/pulled"
    rm -f "$cache/failed/$file"
    return 0
  fi
  last_words "$own/words" >"$cache/failed/$file"
  if is_about_space "$own/words" || is_full "$cache"; then : >"$own/full"; fi
  remove "$part"
  return 1
}

# the user's login at the registry, in variables of this shell and of what it starts; never in arguments
log_in() {
  [ "$kind" = docker ] && [ -r "${SCAILFIN_REGISTRIES-}/${reference%%/*}" ] || return 0
  login=$(base64 -d <"$SCAILFIN_REGISTRIES/${reference%%/*}")
  CH_IMAGE_USERNAME=${login%%:*} CH_IMAGE_PASSWORD=${login#*:}
  APPTAINER_DOCKER_USERNAME=$CH_IMAGE_USERNAME APPTAINER_DOCKER_PASSWORD=$CH_IMAGE_PASSWORD
  SINGULARITY_DOCKER_USERNAME=$CH_IMAGE_USERNAME SINGULARITY_DOCKER_PASSWORD=$CH_IMAGE_PASSWORD
  export CH_IMAGE_USERNAME CH_IMAGE_PASSWORD APPTAINER_DOCKER_USERNAME APPTAINER_DOCKER_PASSWORD \
    SINGULARITY_DOCKER_USERNAME SINGULARITY_DOCKER_PASSWORD
}
pull_sif() {
  log_in
  from=$image
  [ "$kind" != docker ] || from=docker://$reference
  APPTAINER_TMPDIR=$part SINGULARITY_TMPDIR=$part APPTAINER_CACHEDIR=$part/layers SINGULARITY_CACHEDIR=$part/layers \
    "$program" pull "$1" "$from"
}
pull_directory() {
  command -v ch-image >/dev/null || { echo 'error: this node has no ch-image'; return 1; }
  log_in
  CH_IMAGE_STORAGE=$part/storage ch-image pull ${CH_IMAGE_USERNAME+--auth} "$reference" &&
    CH_IMAGE_STORAGE=$part/storage ch-convert -i ch-image -o dir "$reference" "$1"
}
pull_archive() { pull_directory "$part/tree" && tar -C "$part/tree" -cf "$1" .; }
# unpacks an image file: a SIF contains a squashfs
unsquash() { unsquash_file "$image" "$1"; }
unsquash_file() {
  command -v unsquashfs >/dev/null || { echo 'error: this node has no unsquashfs'; return 1; }
  at=0
  [ "$(shape_of "$1")" = squashfs ] || at=$(grep -aobm1 hsqs "$1" | head -n 1 | cut -d : -f 1)
  unsquashfs -no-progress -offset "${at:-0}" -dest "$2" "$1"
}
# for runtimes that store images themselves
have_pulled() {
  source=cache
  case $runtime in
    shifter) ready=docker:$reference && has='shifterimg lookup' pulls='shifterimg pull' ;;
    podman-hpc) ready=$reference && has='podman-hpc image exists' pulls='podman-hpc pull' ;;
  esac
  # shellcheck disable=SC2086  # words
  attend $has "$ready" >/dev/null 2>&1 </dev/null && return 0
  # Shifter's images are pulled by a server of the site, not by the node
  if [ "$runtime" != shifter ] && is_unreached; then return 1; fi
  attend locked "$image_key" make_pulled || { not_fetched && return 1; }
  [ ! -e "$own/pulled" ] || source=pulled
}
make_pulled() {
  # shellcheck disable=SC2086  # words
  if $has "$ready" >/dev/null 2>&1 </dev/null; then return 0; fi
  # shellcheck disable=SC2086  # words
  $pulls "$ready" >"$own/words" 2>&1 </dev/null 9>&- && : >"$own/pulled"
}
