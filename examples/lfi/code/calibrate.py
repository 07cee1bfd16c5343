"""Does the interval hold the truth as often as it should? Repeats all of the inference with other seeds, and counts.

    calibrate.py SEEDS [OBSERVATIONS]

Each seed has its own simulation and training, and so many observations; the first is the one of the workflow. It takes a
few seconds for each seed.
"""

import sys

import ratio
from simulate import simulate

TRUTH = 80.37
MASSES = [78 + step / 2 for step in range(11)]
OBSERVED, TRAINING = 4000, 40000


def holds(network, seed):
    mass, low, high = ratio.interval(network["scan"], ratio.log_likelihood(network, simulate(TRUTH, OBSERVED, seed)))
    return low <= TRUTH <= high


if __name__ == "__main__":
    seeds, observations = int(sys.argv[1]), int((sys.argv[2:] or ["25"])[0])
    first = total = 0
    for seed in range(1, seeds + 1):
        network = ratio.train([simulate(mass, TRAINING, f"{seed}-simulated") for mass in MASSES], MASSES, seed)
        held = [holds(network, f"{seed}-observed{'' if n == 0 else n}") for n in range(observations)]
        first, total = first + held[0], total + sum(held)
        print(f"seed {seed}: the interval holds the truth in {sum(held)} of {observations} observations", flush=True)
    print(f"the first observation of each seed: {first} of {seeds}")
    print(f"all: {total} of {seeds * observations}, {100 * total / (seeds * observations):.1f} % where 68.3 % should be")
