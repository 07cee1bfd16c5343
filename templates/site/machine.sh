# shellcheck shell=sh
# machine: prints this machine's name and its boot, a word that changes with each start of the machine. Where the word is the
# same, the same processes can be seen: containers share their kernel's boot id (random(4)), but not its PID namespace
# (pid_namespaces(7)); the first one of each kernel has a fixed number.
machine() (
  boot=
  { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null || boot=$(sysctl -n kern.bootsessionuuid 2>/dev/null)
  space=$(readlink /proc/self/ns/pid 2>/dev/null)
  space=${space#pid:?}
  case $space in '' | 4026531836?) ;; *) boot=${boot:-unknown}.${space%?} ;; esac
  echo "$(uname -n) ${boot:-unknown}"
)
