"""Trains the classifier on the part of the simulated events that is for the training.

    train.py SEED OUTPUT.npz SIMULATED.npy…        each SIMULATED is named after its mass: 80.5.npy
"""

import os
import sys

import ratio  # before numpy

import numpy as np

if __name__ == "__main__":
    seed, output, *files = sys.argv[1:]
    samples = [np.load(file) for file in files]
    masses = [float(os.path.basename(file)[: -len(".npy")]) for file in files]
    np.savez(output, **ratio.train([ratio.parts(each)[0] for each in samples], masses, int(seed)))
