# shellcheck shell=bash disable=SC2154
# leave.sh: how a glide-in goes, and leaves nothing behind. glidein.sh reads this file. The functions use its variables id,
# run, name, payload, work, cache, trace, master and nap.

# whether a directory is ours and no link: anybody can make something with any name in /tmp
ours() { [ ! -L "$1" ] && [ -d "$1" ] && [ -O "$1" ]; }
# prints the pids of this user's processes whose environment has a line equal to (-F) or beginning with (-E) the argument
marked() { grep "-lzx$1" "$2" /proc/[0-9]*/environ 2>/dev/null | sed 's|/proc/\([0-9]*\)/.*|\1|' | grep -vx "$$"; }
# comm_of PID: sets comm to the name of its program; no process is started for that
comm_of() { comm='' && { read -r comm <"/proc/$1/comm"; } 2>/dev/null; }
condors() { for p in $(marked F "SCAILFIN_RUN=$run"); do comm_of "$p"; case $comm in condor_*) echo "$p" ;; esac; done; }
starters() { for p in $(condors); do comm_of "$p"; [ "$comm" = condor_starter ] && return 0; done; return 1; }
# HTCondor marks everything that its daemons start, also jobs
jobs_of_ours() { [ -z "$master" ] || marked E "_CONDOR_ANCESTOR_$master=.*"; }
leave() {
  trap '' TERM INT HUP
  [ -z "$nap" ] || kill "$nap" 2>/dev/null
  [ -z "$master" ] || kill -QUIT "$master" 2>/dev/null
  local n=0 since=$SECONDS
  # A starter tells its job's shadow that the job has to run elsewhere: it gets 10 s, also on a busy node, where each look takes
  # long; the count is for a clock that is set meanwhile. The other daemons have nothing to lose.
  while [ -n "$(condors)$(jobs_of_ours)" ] && { [ "$n" -lt 8 ] || starters && [ "$n" -lt 40 ] && [ $((SECONDS - since)) -le 10 ]; }; do
    n=$((n + 1))
    sleep 0.25
  done
  for p in $(condors) $(jobs_of_ours); do kill -KILL "$p" 2>/dev/null; done
  exec 8>&-
  drop "$cache"
  withdraw
  rm -rf "$work" && rm -f "$trace"
}
# whether another run of the same batch job is on this node
succeeded() {
  for p in $(marked F "SCAILFIN_JOB=$id"); do
    grep -qz '^SCAILFIN_RUN=' "/proc/$p/environ" 2>/dev/null && ! grep -qzxF "SCAILFIN_RUN=$run" "/proc/$p/environ" 2>/dev/null && return 0
  done
  return 1
}
# the pool lets nobody withdraw an ad, so the glide-in overwrites its own ad: no more jobs are sent here. The ad of another
# run has the same name, and stays
withdraw() {
  [ -n "$master" ] && ! succeeded && [ -x "${payload:-}/sbin/condor_advertise" ] || return 0
  printf '%s\n' 'MyType = "Machine"' "Name = \"slot1@$name\"" "Machine = \"${name##*@}\"" 'MyAddress = "<127.0.0.1:0>"' \
    "ScailfinGlidein = \"$id\"" 'ScailfinLeft = true' 'Start = false' 'Requirements = false' 'SlotType = "Partitionable"' \
    'Cpus = 0' 'TotalSlotCpus = 0' 'Memory = 0' 'TotalSlotMemory = 0' >"$work/left" &&
    LD_LIBRARY_PATH=$payload/lib timeout 2 "$payload/sbin/condor_advertise" -tcp UPDATE_STARTD_AD "$work/left" >/dev/null 2>&1
}
# removes a cache that no glide-in uses. Images may have directories that even their owner can't write to
drop() {
  ours "$1" || return 0
  # a cache that was only just made is removed while it is empty
  [ -e "$1/held" ] || { rmdir "$1" 2>/dev/null; return 0; }
  (flock -n 8 && { chmod -R u+rwX "$1"; rm -rf "$1"; }) 8<"$1/held" 2>/dev/null
}
# Some batch systems kill this shell before it has cleaned up. When the shell above this one gets SIGTERM, Torque and PBS kill
# what is left of the job's session (pbs_mom, kill_job). Slurm kills all children of the job after KillWait (slurm.conf(5)).
# The keeper has its own session and is no child of the job, so neither finds it. It notices that its pipe from here has
# ended, and cleans up in our place
keep() {
  trap '' TERM INT HUP
  while read -r master; do told=$master; done
  master=$told
  leave
}
