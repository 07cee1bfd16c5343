# shellcheck shell=bash disable=SC2154
# images DIR list|rm|pull|add [NAME…]: what is in the directory of images that all nodes of the site see. `list` prints a line for
# each: NAME in base64, its form, bytes, and when it was last used, in seconds since 1970. `rm` removes those that are
# called NAME, and prints removed= or missing=. `pull` fetches the image of the step in the directory NAME, which it
# removes, and prints the step's status and report. `add` does so with a file on this host instead of a registry, which it
# moves or removes.
dir=$1 action=$2
shift 2
[ -r "$dir/settings" ] || { echo "$dir/settings is not there: the cluster was taken down" >&2; exit 1; }
set +u
# shellcheck disable=SC1091
. "$dir/settings"
store=${images:-$dir/images}
name_of() { sed 's/^[^ ]* //' "$1"; }
# prints NAME in base64, for key=value lines
coded() { printf %s "$1" | base64 | tr -d '\n'; }
each() { for entry in "$store"/names/*; do [ ! -f "$entry" ] || "$@" "$entry"; done; }
show() {
  local digest form=${1##*.}
  read -r digest _ <"$1"
  [ -e "$store/files/$digest.$form" ] || return 0
  echo "image=$(coded "$(name_of "$1")") $form $(stat -c %s "$store/files/$digest.$form") $(stat -c %Y "$1")"
}
drop() {
  local called
  called=$(name_of "$2")
  # its name, or the end of it: python:3.12 is docker.io/library/python:3.12
  case /$called in */"$1" | */"$1:latest") ;; *) return 0 ;; esac
  rm -f "$2" && found=yes && echo "removed=$(coded "$called")"
}
case $action in
  list)
    echo "store=$(coded "$store")"
    each show
    ;;
  rm)
    for wanted; do
      found=
      each drop "$wanted"
      [ -n "$found" ] || echo "missing=$(coded "$wanted")"
    done
    for file in "$store"/files/*; do
      kept=${file##*/}
      [ ! -e "$file" ] || grep -qs "^${kept%.*} " "$store"/names/* || rm -f "$file"
    done
    ;;
  pull | add)
    file=${2-}
    # image programs are slow on shared disks, and need much room while they work
    work=$(mktemp -d "${TMPDIR:-/tmp}/scailfin-pull-XXXXXXXX") || exit 1
    trap 'rm -rf "$work"' EXIT
    mv "$1"/* "$work" && rmdir "$1"
    cd "$work" || exit 1
    env _CONDOR_SCRATCH_DIR="$work" SCAILFIN_IMAGES="$store" SCAILFIN_REGISTRIES="$dir/registries" \
      SCAILFIN_RUNTIMES="$runtimes" SCAILFIN_PULL=only SCAILFIN_ADD="$file" /bin/sh ./step.sh >out 2>&1
    echo "status=$?"
    [ -z "$file" ] || rm -f "$file"
    echo "report=$(base64 <report 2>/dev/null | tr -d '\n')"
    ;;
esac
