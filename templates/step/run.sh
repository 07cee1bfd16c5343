# shellcheck shell=sh disable=SC2034,SC2154
# ---- the step itself

# What the shell in the image is told, by its input: neither arguments nor files of the workspace show what is in there
tell() {
  # a word that is no base64 parts the two
  printf '%s\n' "${environment_b64-}" command "$command_b64" |
    workspace=$workspace home=$home runtime=$runtime proxy=$proxy awk "$base64_awk"'
    BEGIN {
      # as a person at a terminal would see it; what the wrapper and the runtime say stays apart
      print "exec 2>&1"
      print "cd " quoted(ENVIRON["workspace"]) " || exit 166"
      print "export SCAILFIN_STEP=" ENVIRON["SCAILFIN_STEP"] " HOME=" quoted(ENVIRON["home"])
      print "export PATH=\"${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}\""
      # an image made for Apptainer says its environment in its own way
      if (ENVIRON["runtime"] == "charliecloud")
        print "f=/.singularity.d/env/10-docker2singularity.sh; [ ! -r \"$f\" ] || . \"$f\"; unset f"
      for (name in ENVIRON) {
        # by these HTCondor finds what it has to end
        if (name ~ /^_CONDOR_ANCESTOR_[0-9]+$/ && ENVIRON[name] ~ /^[0-9:]*$/) print "export " name "=" ENVIRON[name]
        # and this is how much of the node it was given
        if (name ~ /^([A-Z]+_)+(NUM_)?(THREADS|THREAD_LIMIT|VISIBLE_DEVICES|CPU_COUNT)$/ && ENVIRON[name] ~ /^[0-9A-Za-z,:-]+$/)
          print "export " name "=" ENVIRON[name]
      }
      if (ENVIRON["proxy"] != "") print "export X509_USER_PROXY=" ENVIRON["proxy"]
    }
    $1 == "command" { command = ""; is_command = 1; next }
    is_command { command = command $0; next }
    NF { text = decode($1); at = index(text, "="); print "export " substr(text, 1, at) quoted(substr(text, at + 1)) }
    END {
      command = quoted(decode(command))
      print "if command -v bash >/dev/null 2>&1; then exec bash -c " command " </dev/null; fi"
      print "exec sh -c " command " </dev/null"
    }'
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
