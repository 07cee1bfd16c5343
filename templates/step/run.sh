# shellcheck shell=sh disable=SC2034,SC2154
# ---- the step itself

# The shell in the image gets its commands on its input, because arguments and files in the workspace would show them
tell() {
  # a word that is not base64 separates the two parts
  workspace=$workspace home=$home temp=$temp runtime=$runtime proxy=$proxy session=${session-} wire=${wire-} notebooks=$notebooks_at account_home=$account_home shared=$shared theirs=$own/theirs awk "$base64_awk$theirs_awk"'
    BEGIN {
      # stdout and stderr in one stream, as on a terminal; messages of the wrapper and the runtime stay apart. What a session
      # says on stdout goes to the edge, and its input comes from there
      is_session = ENVIRON["session"] != ""
      if (!is_session) print "exec 2>&1"
      # a session with a copy of the files sends what it changes now and then
      else if (ENVIRON["shared"] == "no") print "export SCAILFIN_SAVES=yes"
      print "cd " quoted(ENVIRON["workspace"]) " || exit 166"
      print "export SCAILFIN_STEP=" ENVIRON["SCAILFIN_STEP"] " HOME=" quoted(ENVIRON["home"]) " TMPDIR=" quoted(ENVIRON["temp"])
      print "export PATH=\"${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}\""
      # the rest of what a login sets; in a container an account may have another name
      user = "USER=" quoted(ENVIRON["USER"])
      print ENVIRON["runtime"] == "none" ? user : "USER=$(id -un 2>/dev/null) || " user
      print "SHELL=$(command -v bash) || SHELL=/bin/sh"
      print "case ${LANG:-C} in C | POSIX) LANG=C.UTF-8 ;; esac"
      print "LOGNAME=$USER; export USER LOGNAME SHELL LANG"
      # an image made for Apptainer keeps its environment in a file of its own
      if (ENVIRON["runtime"] == "charliecloud")
        print "f=/.singularity.d/env/10-docker2singularity.sh; [ ! -r \"$f\" ] || . \"$f\"; unset f"
      for (name in ENVIRON) {
        # HTCondor finds the processes that it must end by these
        if (name ~ /^_CONDOR_ANCESTOR_[0-9]+$/ && ENVIRON[name] ~ /^[0-9:]*$/) print "export " name "=" ENVIRON[name]
        # these say how much of the node the step may use
        if (name ~ /^([A-Z]+_)+(NUM_)?(THREADS|THREAD_LIMIT|VISIBLE_DEVICES|CPU_COUNT)$/ && ENVIRON[name] ~ /^[0-9A-Za-z,:-]+$/)
          print "export " name "=" ENVIRON[name]
      }
      # a worker of a framework calls the headnode by the wire (templates/wire/node.py)
      if (ENVIRON["wire"] != "" && ENVIRON["SCAILFIN_POOL"] ~ /^[0-9A-Za-z.-]+:[0-9]+$/) print "export SCAILFIN_POOL=" ENVIRON["SCAILFIN_POOL"]
      if (ENVIRON["notebooks"] != "") print "export SCAILFIN_NOTEBOOKS=" quoted(ENVIRON["notebooks"]) " SCAILFIN_HOME=" quoted(ENVIRON["account_home"])
      if (ENVIRON["proxy"] != "") print "export X509_USER_PROXY=" ENVIRON["proxy"]
    }
    $1 == "command" { command = ""; is_command = 1; next }
    is_command { command = command $0; next }
    NF { text = decode($1); at = index(text, "="); print "export " substr(text, 1, at) quoted(substr(text, at + 1)) }
    END {
      command = quoted(decode(command))
      # nothing may follow that a session would take for its own input
      if (is_session) { print "shell=$(command -v bash) || shell=sh; exec \"$shell\" -c " command; exit }
      print "if command -v bash >/dev/null 2>&1; then exec bash -c " command " </dev/null; fi"
      print "exec sh -c " command " </dev/null"
    }' <<END
${environment_b64-}
command
$command_b64
END
}

# secrets are given as files that only the user can read
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
  home=/tmp/home temp=/tmp
  case $runtime in
    none)
      home=$tmp/home temp=$tmp
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
  umask 077
  tell >"$own/begin"
  umask 022
  if [ -n "${session-}" ]; then (with_channel contain) & else (contain <"$own/begin") & fi
  child=$!
  # bash reports signals by itself
  { wait "$child"; } 2>/dev/null
  code=$?
  # processes that the step left running must not change files any more
  end_all 20
  child=''
  return "$code"
}
