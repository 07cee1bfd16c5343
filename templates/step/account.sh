# shellcheck shell=sh disable=SC2034,SC2154
# ---- the account: HTCondor starts jobs with almost no environment, but container runtimes and programs expect what a
# login sets. Charliecloud, for example, starts nothing without $USER

# the glide-in has asked for its entry, for all of its steps
entry=${SCAILFIN_ACCOUNT-}
if [ -z "$entry" ]; then
  uid=$(id -u)
  # a node may have no getent, or no entry for this account
  entry=$(getent passwd "$uid" 2>/dev/null) || entry=$(awk -F : -v uid="$uid" '$3 == uid { print; exit }' /etc/passwd 2>/dev/null)
fi
# name:password:uid:gid:comment:home:shell, passwd(5)
USER=${entry%%:*} SHELL=${entry##*:}
HOME=${entry%:*} HOME=${HOME##*:}
[ -n "$USER" ] || USER=user$uid
[ -x "$SHELL" ] || SHELL=/bin/sh
# some sites do not mount the home directories on compute nodes
[ -d "$HOME" ] && [ -w "$HOME" ] || HOME=$tmp/home
LOGNAME=$USER LANG=C.UTF-8 TMPDIR=$own/temp
export USER LOGNAME HOME SHELL LANG TMPDIR PATH
