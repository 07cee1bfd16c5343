"""Draws the likelihood and the closure test, and compares the inferred mass with the true one.

    plot.py TRUTH INFERRED.json CLOSURE.json PLOT.png SUMMARY.txt
"""

import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np


def summary(truth, result, closure):
    pulls = np.array([(each["mass"] - each["truth"]) / ((each["high"] - each["low"]) / 2) for each in closure])
    inside = sum(each["low"] <= each["truth"] <= each["high"] for each in closure)
    where = "inside" if result["low"] <= truth <= result["high"] else "outside of"
    return (
        f"inferred  m(W) = {result['mass']:.2f} GeV, 68 % interval {result['low']:.2f} to {result['high']:.2f} GeV, "
        f"from {result['events']} events\n"
        f"truth     m(W) = {truth:.2f} GeV, {where} the interval\n"
        f"closure   the interval holds the truth in {inside} of {len(closure)} experiments with known truth; "
        f"pulls {pulls.mean():+.2f} ± {pulls.std():.2f}\n"
    )


def draw(truth, result, closure, output):
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), constrained_layout=True)
    left.plot(result["scan"], result["deviance"], color="C0", label="learned likelihood")
    left.axvspan(result["low"], result["high"], color="C0", alpha=0.2, label="68 % interval")
    left.axvline(truth, color="C3", linestyle="--", label=f"truth, {truth:.2f} GeV")
    left.axhline(1, color="grey", linewidth=0.8)
    width = result["high"] - result["low"]
    left.set_xlim(result["mass"] - 2 * width, result["mass"] + 2 * width)
    left.set_ylim(0, 9)
    left.set_xlabel("mass of the W, m [GeV]")
    left.set_ylabel("−2 ln [L(m) / L(best)]")
    left.set_title(f"{result['events']} observed events")
    left.legend(loc="upper center")

    truths = np.array([each["truth"] for each in closure])
    differences = np.array([each["mass"] for each in closure]) - truths
    errors = np.array([[each["mass"] - each["low"], each["high"] - each["mass"]] for each in closure]).T
    # experiments of one mass stand side by side
    places = truths + np.array([0.06 * list(truths[:n]).count(each) for n, each in enumerate(truths)])
    places -= 0.03 * (np.unique(truths, return_counts=True)[1].max() - 1)
    right.errorbar(places, differences, np.maximum(errors, 0), fmt=".", color="C0", label="one experiment, 68 % interval")
    means = [(mass, differences[truths == mass]) for mass in np.unique(truths)]
    right.plot([m for m, _ in means], [d.mean() for _, d in means], "D", color="C1", label="mean")
    right.axhline(0, color="C3", linestyle="--")
    right.set_xlabel("true mass [GeV]")
    right.set_ylabel("inferred − true mass [GeV]")
    right.set_title("closure: events with known truth")
    right.legend(loc="upper center", ncol=2)
    right.set_ylim(*np.array([-1.2, 1.5]) * np.abs(differences).max() * 1.4)
    figure.savefig(output, dpi=120)


if __name__ == "__main__":
    truth, inferred, closure, plot, text = sys.argv[1:]
    with open(inferred) as one, open(closure) as two:
        result, experiments = json.load(one), json.load(two)
    draw(float(truth), result, experiments, plot)
    words = summary(float(truth), result, experiments)
    with open(text, "w") as file:
        file.write(words)
    print(words, end="")
