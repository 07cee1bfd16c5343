# shellcheck shell=sh disable=SC2034,SC2154
# ---- the step itself

# What the shell in the image is told, by its input: neither arguments nor files of the workspace show what is in there
tell() {
  # as a person at a terminal would see it; what the wrapper and the runtime say stays apart
  printf 'exec 2>&1\n'
  printf 'cd %s || exit 166\n' "$(quote "$workspace")"
  # shellcheck disable=SC2016
  printf 'export SCAILFIN_STEP=%s HOME=%s PATH="${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"\n' \
    "$SCAILFIN_STEP" "$(quote "$home")"
  # an image made for Apptainer says its environment in its own way
  # shellcheck disable=SC2016
  [ "$runtime" != charliecloud ] || printf 'f=/.singularity.d/env/10-docker2singularity.sh; [ ! -r "$f" ] || . "$f"; unset f\n'
  # by these HTCondor finds what it has to end
  env | grep '^_CONDOR_ANCESTOR_[0-9]*=[0-9:]*$' | sed 's/^\([^=]*\)=\(.*\)/export \1="\2"/'
  # and this is how much of the node it was given
  env | grep -E '^([A-Z]+_)+(NUM_)?(THREADS|THREAD_LIMIT|VISIBLE_DEVICES|CPU_COUNT)=[0-9A-Za-z,:-]+$' | sed 's/^/export /'
  [ -z "$proxy" ] || printf 'export X509_USER_PROXY=%s\n' "$proxy"
  printf '%s\n' "${environment_b64-}" | awk "$base64_awk"' NF { text = decode($1); at = index(text, "=")
    print "export " substr(text, 1, at) quoted(substr(text, at + 1)) }'
  printf '%s\n' "$command_b64" | awk "$base64_awk"' { text = text $0 } END { command = quoted(decode(text))
    print "if command -v bash >/dev/null 2>&1; then exec bash -c " command " </dev/null; fi"
    print "exec sh -c " command " </dev/null" }'
}

# what is secret comes in files of the user's own
give_secrets() {
  secrets='' proxy=''
  [ -n "${secrets_b64-}" ] || return 0
  secrets=$own/secrets
  mkdir -m 700 "$secrets"
  printf '%s\n' "$secrets_b64" | while IFS=' ' read -r name content; do
    [ -z "$name" ] || (umask 077 && printf %s "$content" | base64 -d >"$secrets/$(printf %s "$name" | base64 -d | tr -d '/')")
  done
}
give_proxy() {
  [ -r "${X509_USER_PROXY-}" ] || return 0
  (umask 077 && cp "$X509_USER_PROXY" "$tmp/x509up_u$(id -u)") && proxy=/tmp/x509up_u$(id -u)
}

run_step() {
  home=/tmp/home
  case $runtime in
    none)
      home=$tmp/home
      [ -z "$proxy" ] || proxy=$tmp/${proxy##*/}
      ;;
    shifter)
      proxy=''
      if [ "$shared" = no ]; then
        home=${workspace#/} home=/${home%%/*}/.scailfin-home
        mkdir -p "$own/root$home"
      fi
      ;;
  esac
  (umask 077 && tell >"$own/begin")
  (contain <"$own/begin") &
  child=$!
  # a shell that is bash tells of signals by itself
  { wait "$child"; } 2>/dev/null
  code=$?
  # what it left running can't change files any more
  end_all 20
  child=''
  return "$code"
}
