# shellcheck shell=bash disable=SC2154  # glidein.sh sets these
# together: what glidein.sh adds on a node whose batch job has several. A batch system ends the job as a
# whole: a node that left alone would still be charged. So the nodes leave together, when none of them has had work
# for the idle limit. Each node that has work changes its own file in a directory of the job, again and again. The others
# only look whether any file changes, so nodes may have different clocks. A node that dies changes nothing. When the
# directory can't be read, nobody leaves before the walltime nearly ends.
# a job that runs again under its id must not find that its first run is over
meet=$dir/logs/$id.nodes-$SCAILFIN_TOGETHER
here=$meet/$node
worked=$SECONDS told=0 seen=
# seconds between two changes of a file: the others must see some of them before the limit is over
pace=$((idle / 4))
[ "$pace" -le 30 ] || pace=30
mkdir -p "$meet" && echo 0 >"$here"
touch "$logs/.looked"

# a job runs now, or one ran since the last look
has_work() {
  local now
  now=$(find "$work/execute" -mindepth 1 -maxdepth 1 -name 'dir_*' -print -quit 2>/dev/null)
  now=$now$(find "$logs" -name 'StarterLog*' -newer "$logs/.looked" -print -quit 2>/dev/null)
  touch "$logs/.looked"
  [ -n "$now" ]
}

# is it time for all nodes of the job to leave?
idle_together() {
  local all
  [ "$idle" -gt 0 ] || return 1
  if has_work; then
    worked=$SECONDS
    if [ $((SECONDS - told)) -ge "$pace" ]; then
      told=$SECONDS
      echo "$SECONDS" >"$here"
    fi
    return 1
  fi
  # another node has found that it is time; this one had work then
  [ ! -e "$meet/over" ] || return 0
  if ! all=$(cat "$meet"/* 2>/dev/null) || [ "$all" != "$seen" ]; then
    worked=$SECONDS seen=$all
  fi
  [ $((SECONDS - worked)) -ge "$idle" ] || return 1
  : >"$meet/over"
}
