#!/bin/sh
exec bash --norc /@HOME@/.scailfin/bridges/pool/bosco/grow.sh /@HOME@/.scailfin/bridges/pool >>/@HOME@/.scailfin/bridges/pool/bosco/grow.out 2>&1 </dev/null
