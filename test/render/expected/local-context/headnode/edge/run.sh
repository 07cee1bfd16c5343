#!/bin/sh
exec /@NODE@ /@HOME@/.scailfin/local/pool/edge/program/dist/edge.mjs /@HOME@/.scailfin/local/pool/edge >>/@HOME@/.scailfin/local/pool/edge/log/edge.out 2>&1 </dev/null
