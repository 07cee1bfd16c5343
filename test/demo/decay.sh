#!/bin/sh
# decay.sh SEED EVENTS: Z bosons at rest decay isotropically into two muons; counts those in which both muons would be
# seen (transverse momentum above 20 GeV, pseudorapidity below 2.4). Prints: node user seed events accepted
accepted=$(awk -v seed="$1" -v events="$2" 'BEGIN {
  srand(seed); momentum = 91.1876 / 2; edge = 2.4
  for (i = 0; i < events; i++) {
    cosine = 2 * rand() - 1
    pt = momentum * sqrt(1 - cosine * cosine)
    eta = 0.5 * log((1 + cosine) / (1 - cosine + 1e-12)); if (eta < 0) eta = -eta
    if (pt > 20 && eta < edge) accepted++
  }
  print accepted + 0
}')
echo "$(hostname) $(id -un) $1 $2 $accepted"
