#!/bin/sh
exec /@NODE@ /@HOME@/.scailfin/nersc/pool/edge/program/dist/edge.mjs /@HOME@/.scailfin/nersc/pool/edge >>/@HOME@/.scailfin/nersc/pool/edge/log/edge.out 2>&1 </dev/null
