"""Infers the mass from what was observed. It is not told the mass with which that was made.

    infer.py RATIO.npz OBSERVED.npy OUTPUT.json
"""

import json
import sys

import ratio  # before numpy

import numpy as np

if __name__ == "__main__":
    network, observed, output = sys.argv[1:]
    network, observed = np.load(network), np.load(observed)
    curve = ratio.log_likelihood(network, observed)
    mass, low, high = ratio.interval(network["scan"], curve)
    with open(output, "w") as file:
        result = {"mass": mass, "low": low, "high": high, "events": len(observed)}
        json.dump({**result, "scan": list(network["scan"]), "deviance": list(2 * (curve.max() - curve))}, file)
    print(f"mass of the W: {mass:.2f} GeV, 68 % interval {low:.2f} to {high:.2f} GeV, from {len(observed)} events")
