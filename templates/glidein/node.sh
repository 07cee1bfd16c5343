#!/bin/bash
# node.sh DIR TOKEN JOB NODES CORES MEMORY RUN: starts the glide-in on one node of the batch job JOB, which has NODES nodes. It
# runs once on each of them, with what the batch system gives there; a hyphen means that it did not say. Programs that
# start it, such as pbsdsh and qrsh, pass no variables on. RUN is the same on all nodes, and new if the job runs again.
export SCAILFIN_JOB=$3 SCAILFIN_NODES=$4 SCAILFIN_TOGETHER=$7
export SCAILFIN_CORES=${5#-} SCAILFIN_MEMORY=${6#-}
# Grid Engine sends SIGUSR2 to all processes on the node before it ends them
trap '' USR1 USR2
bash "$1/glidein.sh" "$1" ${2:+"$2"} </dev/null &
glidein=$!
trap 'kill -TERM "$glidein" 2>/dev/null' USR2 TERM INT HUP
while wait "$glidein"; code=$?; kill -0 "$glidein" 2>/dev/null; do :; done
exit "$code"
