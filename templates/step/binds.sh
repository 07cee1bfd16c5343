# shellcheck shell=sh disable=SC2034,SC2154
# ---- what the step sees of the site: what the user named, and repositories of CVMFS that the workflow names

tab=$(printf '\t')
# `binds`: lines of mode (rw or ro), source and target. The glide-in put values in the place of variables
binds=''
[ -z "${SCAILFIN_BINDS-}" ] || binds=$(printf %s "$SCAILFIN_BINDS" | base64 -d 2>/dev/null)
for repository in ${cvmfs-}; do
  binds="$binds
rw$tab/cvmfs/$repository$tab/cvmfs/$repository"
done
# check_binds: ends the step if something of it is not here
check_binds() {
  while IFS=$tab read -r mode source _; do
    # CVMFS mounts a repository when it is used for the first time
    case $mode:$source in
      '':*) ;;
      unset:*)
        hint="Name a path instead, in --bind or in the site's profile (binds)"
        fail 166 "this node does not set \$$source, and steps shall see what is there"
        ;;
      *:*[,:\"]* | *:[!/]*) fail 166 "this node can't show $source to steps: no container runtime takes such a path" ;;
      *:/cvmfs/*)
        hint='Ask the site for CVMFS, or remove the repository from resources.cvmfs in reana.yaml, or from binds'
        [ -e "$source/." ] || fail 166 "this node has no $source, which steps shall see"
        ;;
      *)
        hint="Correct --bind, or binds in the site's profile"
        [ -e "$source" ] || fail 166 "this node has no $source, which steps shall see"
        ;;
    esac
  done <<END
$binds
END
  hint=''
}
