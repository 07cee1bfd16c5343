"""Simulates W → μν at one mass of the W, as a small toy detector sees it.

    simulate.py MASS EVENTS SEED OUTPUT.npy

The output has a row for each event, and three columns in GeV: the transverse momentum of the muon, the missing transverse
momentum, and the transverse mass of both. SEED is any word. There are EVENTS accepted events whatever the mass is, so that
only the shapes of the distributions tell it.
"""

import sys

import numpy as np

WIDTH = 2.085  # of the W, GeV
RECOIL = 5.0  # resolution of each component of the recoil, GeV
MUON = 0.02  # relative resolution of the muon's transverse momentum
LEAST = 25.0  # least transverse momentum of the muon, and least missing one, GeV
ETA = 2.4  # coverage of the muon detector


def simulate(mass, events, seed):
    """What is seen of so many accepted events at this mass. The same seed at another mass gives other events."""
    rng = np.random.default_rng(list(f"{seed} {mass}".encode()))
    parts = []
    while sum(map(len, parts)) < events:
        parts.append(seen(*decays(mass, 2 * events, rng), rng))
    return np.concatenate(parts)[:events].astype(np.float32)


def decays(mass, number, rng):
    """The muons' momenta (x, y, z), and the transverse momenta (x, y) of the W bosons that they come from; GeV."""
    # the W boson: a Breit-Wigner in its mass, a few GeV of transverse momentum, a rapidity
    low, high = (np.arctan((end**2 - mass**2) / (mass * WIDTH)) for end in (50, 120))
    m = np.sqrt(mass**2 + mass * WIDTH * np.tan(rng.uniform(low, high, number)))
    pt = rng.gamma(2, 4, number)
    phi = rng.uniform(0, 2 * np.pi, number)
    y = rng.normal(0, 1.4, number)

    # its decay at rest: density (1 + cosine)² along the antiquark, which mostly comes from the other side
    cosine = 2 * np.cbrt(rng.uniform(0, 1, number)) - 1
    cosine *= np.where(rng.uniform(0, 1, number) < 0.8, -1, 1) * np.sign(y)
    sine = np.sqrt(1 - cosine**2)
    azimuth = rng.uniform(0, 2 * np.pi, number)
    px, py, pz, e = m / 2 * np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine, np.ones(number)])

    # from rest to the detector: a boost across the beam, a boost along it, and a rotation around it
    mt = np.hypot(m, pt)
    px, e = px * mt / m + e * pt / m, e * mt / m + px * pt / m
    pz = pz * np.cosh(y) + e * np.sinh(y)
    px, py = px * np.cos(phi) - py * np.sin(phi), px * np.sin(phi) + py * np.cos(phi)
    return np.stack([px, py, pz]), pt * np.stack([np.cos(phi), np.sin(phi)])


def seen(muon, boson, rng):
    """The detector smears the muon. The neutrino leaves no trace but what is missing: the recoil, less the muon."""
    eta = np.arcsinh(muon[2] / np.hypot(muon[0], muon[1]))
    muon = muon[:2] * rng.normal(1, MUON, muon.shape[1])
    missing = boson + rng.normal(0, RECOIL, boson.shape) - muon
    a, b = np.hypot(*muon), np.hypot(*missing)
    mt = np.sqrt(np.maximum(0, 2 * (a * b - (muon * missing).sum(axis=0))))
    accepted = (a > LEAST) & (b > LEAST) & (np.abs(eta) < ETA)
    return np.stack([a, b, mt], axis=1)[accepted]


if __name__ == "__main__":
    mass, events, seed, output = sys.argv[1:]
    np.save(output, simulate(float(mass), int(events), seed))
