"""The closure test: is the answer right where the truth is known? Each simulated mass is taken for the truth in turn, and is
inferred from events that the training has not seen.

    closure.py RATIO.npz EVENTS OUTPUT.json SIMULATED.npy…        EVENTS: of each experiment
"""

import json
import os
import sys

import ratio  # before numpy

import numpy as np


def experiments(network, samples, events):
    """samples: events by their mass. Returns one dictionary for each experiment: truth, mass, low, high."""
    results = []
    for truth, unseen in samples.items():
        for number in range(len(unseen) // events):
            curve = ratio.log_likelihood(network, unseen[number * events : (number + 1) * events])
            mass, low, high = ratio.interval(network["scan"], curve)
            results.append({"truth": truth, "mass": mass, "low": low, "high": high})
    return results


if __name__ == "__main__":
    network, events, output, *files = sys.argv[1:]
    samples = {float(os.path.basename(file)[: -len(".npy")]): np.load(file) for file in files}
    # nothing was learned about masses beyond the outermost ones, so a truth needs neighbours on both sides
    inner = {mass: ratio.parts(each)[1] for mass, each in sorted(samples.items())[2:-2]}
    with open(output, "w") as file:
        json.dump(experiments(np.load(network), inner, int(events)), file)
