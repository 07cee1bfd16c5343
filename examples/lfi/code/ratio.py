"""The likelihood ratio, learned from simulated events.

A small neural network looks at an event x and tells from which of the simulated masses it may come. Its answer is
    g(x, m) = b(x) t + c(x) t²    with    t = (m - centre) / half the range of masses,
and the probability of mass m_i is exp g(x, m_i) / Σ_j exp g(x, m_j). Trained well, a classifier gives
    r(x|m) = p(x|m) / p(x|any)    with    p(x|any) = mean of p(x|m_j) over the simulated masses,
though no p(x|m) was ever written down (arXiv:1506.02169, arXiv:1911.01429).
"""

import os

# a step has one core, and numpy would start a thread for each core of the node; it looks here when it is imported
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402

HIDDEN = 32  # nodes in each of two layers
EPOCHS = 8
BATCH = 2048
RATE = 5e-3


def parts(events):
    """The events of a simulated sample for the training, and those for the closure test, which the training never sees."""
    return np.split(events, [len(events) * 2 // 3])


def train(samples, masses, seed):
    """samples: one array of events for each mass, all of the same length. Returns the trained network, as a dictionary."""
    rng = np.random.default_rng(seed)
    events = np.concatenate(samples)
    labels = np.repeat(np.arange(len(masses)), len(samples[0]))
    masses = np.asarray(masses, float)
    network = {
        "masses": masses,
        "mean": events.mean(axis=0),
        "spread": events.std(axis=0),
        "w1": rng.normal(0, events.shape[1] ** -0.5, (events.shape[1], HIDDEN)),
        "b1": np.zeros(HIDDEN),
        "w2": rng.normal(0, HIDDEN**-0.5, (HIDDEN, HIDDEN)),
        "b2": np.zeros(HIDDEN),
        "w3": rng.normal(0, 0.1 * HIDDEN**-0.5, (HIDDEN, 2)),
        "b3": np.zeros(2),
    }
    # half the precision is twice the speed
    network = {name: np.asarray(value, np.float32) for name, value in network.items()}
    weights = ["w1", "b1", "w2", "b2", "w3", "b3"]
    first, second = ({name: np.zeros_like(network[name]) for name in weights} for _ in range(2))
    basis = powers(network, masses)
    steps = EPOCHS * (len(events) // BATCH)
    order = np.array([], int)
    for step in range(1, steps + 1):
        if len(order) < BATCH:
            order = rng.permutation(len(events))
        batch, order = order[:BATCH], order[BATCH:]
        gradients = descent(network, basis, events[batch], labels[batch])
        # Adam, with a rate that falls to nothing
        rate = float(RATE * (1 + np.cos(np.pi * step / steps)) / 2)
        for name in weights:
            first[name] += 0.1 * (gradients[name] - first[name])
            second[name] += 0.001 * (gradients[name] ** 2 - second[name])
            mean, square = first[name] / (1 - 0.9**step), second[name] / (1 - 0.999**step)
            network[name] = network[name] - rate * mean / (np.sqrt(square) + 1e-8)
    return normalised(network, events)


def descent(network, basis, events, labels):
    """The gradients of the cross-entropy, by the chain rule."""
    x, first, second, answer = layers(network, events)
    wrong = shares(answer @ basis)
    wrong[np.arange(len(labels)), labels] -= 1
    d3 = wrong @ basis.T / len(labels)
    d2 = (d3 @ network["w3"].T) * (1 - second**2)
    d1 = (d2 @ network["w2"].T) * (1 - first**2)
    return {
        **{"w1": x.T @ d1, "b1": d1.sum(axis=0), "w2": first.T @ d2, "b2": d2.sum(axis=0)},
        **{"w3": second.T @ d3, "b3": d3.sum(axis=0)},
    }


def normalised(network, events):
    """Adds what a density must have: its integral is one. So the mean of r(x|m) over events of any mass is one, for each m. A
    network that is not quite trained misses that a little; over thousands of events, a little is a bias."""
    low, high = network["masses"][[0, -1]].astype(float)
    network["scan"] = np.linspace(low - 0.5, high + 0.5, 241)
    parts = [np.exp(unnormalised(network, part)).mean(axis=0, dtype=float) for part in np.array_split(events, len(events) // 5000 + 1)]
    network["norm"] = np.log(np.mean(parts, axis=0))
    return network


def log_likelihood(network, events):
    """ln r summed over the events, at each mass of network["scan"]."""
    return unnormalised(network, events).sum(axis=0, dtype=float) - len(events) * network["norm"]


def interval(scan, log_likelihood):
    """The most likely mass, and the ends of the interval of 68 %: where the logarithm is 1/2 below its highest value."""
    fine = np.linspace(scan[0], scan[-1], 20 * len(scan))
    curve = np.interp(fine, scan, log_likelihood)
    inside = fine[curve > curve.max() - 0.5]
    # three points make the parabola whose top is the estimate
    top = int(np.clip(log_likelihood.argmax(), 1, len(scan) - 2))
    a, b, _ = np.polyfit(scan[top - 1 : top + 2] - scan[top], log_likelihood[top - 1 : top + 2], 2)
    return scan[top] - b / (2 * a), inside[0], inside[-1]


def unnormalised(network, events):
    answer = layers(network, events)[-1]
    at_simulated = answer @ powers(network, network["masses"])
    return answer @ powers(network, network["scan"]) - np.log(np.exp(at_simulated).mean(axis=1))[:, None]


def layers(network, events):
    x = (events - network["mean"]) / network["spread"]
    first = np.tanh(x @ network["w1"] + network["b1"])
    second = np.tanh(first @ network["w2"] + network["b2"])
    return x, first, second, second @ network["w3"] + network["b3"]


def powers(network, masses):
    low, high = network["masses"][[0, -1]]
    t = (np.asarray(masses, float) - (low + high) / 2) / ((high - low) / 2)
    return np.stack([t, t**2]).astype(np.float32)


def shares(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
