#!/bin/sh
exec bash --norc /@HOME@/.scailfin/notredame/pool/bosco/grow.sh /@HOME@/.scailfin/notredame/pool >>/@HOME@/.scailfin/notredame/pool/bosco/grow.out 2>&1 </dev/null
