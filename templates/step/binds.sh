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
# A worker may work in a directory of the account: `notebooks` names it, as ~/DIR, as $NAME/DIR with a variable of the site, or by its
# path. It is seen at the same place in a container
account_home='' notebooks_at=''
if [ -n "${notebooks-}" ]; then
  account_home=$(getent passwd "$(id -u)" 2>/dev/null | cut -d : -f 6)
  variable=${notebooks%%/*} rest=${notebooks#"${notebooks%%/*}"}
  case $variable in
    '') notebooks_at=$notebooks ;;
    '~' | "\$HOME") notebooks_at=$account_home$rest ;;
    # a login sets it, and jobs of the pool have an environment of their own
    *)
      # shellcheck disable=SC2016
      notebooks_at=$(env -i HOME="$account_home" USER="$(id -un)" LOGNAME="$(id -un)" PATH="$PATH" \
        timeout 60 bash -lc 'printf "\n%s\n" "${!1-}"' bash "${variable#"$"}" 2>/dev/null </dev/null | tail -n 1)
      [ -z "$notebooks_at" ] || notebooks_at=$notebooks_at$rest
      ;;
  esac
  [ -z "$notebooks_at" ] || binds="$binds
rw$tab$notebooks_at$tab$notebooks_at"
fi
# check_binds: ends the step if something of it is not here
check_binds() {
  if [ -n "${notebooks-}" ]; then
    # the last line is what `status` shows
    [ -n "$notebooks_at" ] || fail 166 "a login on this node does not set ${notebooks%%/*}; name another directory: scailfin up --notebooks DIR"
    if [ ! -d "$notebooks_at" ] || [ ! -w "$notebooks_at" ]; then
      fail 166 "this node has no directory $notebooks_at where files could be saved; make it, or name another one: scailfin up --notebooks DIR"
    fi
  fi
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
