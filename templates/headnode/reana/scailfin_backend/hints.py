"""The resources that a step's hints ask for, whichever backend they were written for."""

import math
import re

CORES, MEMORY_MIB, DISK_MIB, SECONDS = 1, 1024, 1024, 7 * 86400

# factors from Kubernetes' quantities to MiB; a number without a unit is in bytes
UNITS = {"": 2**-20, "k": 1e3 / 2**20, "M": 1e6 / 2**20, "G": 1e9 / 2**20, "T": 1e12 / 2**20}
UNITS.update({"Ki": 2**-10, "Mi": 1, "Gi": 2**10, "Ti": 2**20})

# CERN's job flavours, in seconds (batchdocs.web.cern.ch)
FLAVOURS = {"espresso": 1200, "microcentury": 3600, "longlunch": 7200, "workday": 28800}
FLAVOURS.update({"tomorrow": 86400, "testmatch": 259200, "nextweek": 604800})

# services that other backends provide beside the step, and this one does not
BESIDE = ("kerberos", "voms_proxy", "rucio")


class HintError(ValueError):
    """A hint that can't be read."""


def resources_of(hints):
    """Return (cores, memory in MiB, seconds). Raises HintError."""
    memory = hints.get("kubernetes_memory_limit") or hints.get("c4p_memory_limit")
    cores = hints.get("c4p_cpu_cores")
    return (
        CORES if not cores else max(1, math.ceil(number("c4p_cpu_cores", cores))),
        MEMORY_MIB if not memory else mebibytes(str(memory)),
        seconds_of(hints),
    )


def notes_of(hints):
    """Return the lines for the step's log about hints that have no effect."""
    return ["{}: true has no effect on the pool".format(name) for name in BESIDE if hints.get(name)]


def repositories_of(mounts):
    """Return the repositories of CVMFS in what REANA passes on: "false", or a list of names as text. Raises HintError."""
    names = [] if str(mounts) in ("", "None", "false", "False") else re.findall(r"[^\s,'\"\[\]]+", str(mounts))
    for name in names:
        # it becomes a path on the node
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*(\.[A-Za-z0-9-]+)+", name):
            raise HintError("{!r} is not a repository of CVMFS".format(name))
    return names


def mebibytes(quantity):
    """Return MiB of a quantity such as 512Mi, 2G, or bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(|k|M|G|T|Ki|Mi|Gi|Ti)", quantity)
    if not match:
        raise HintError('memory: "{}" is not understood: write 512Mi or 2Gi'.format(quantity))
    return max(1, math.ceil(float(match.group(1)) * UNITS[match.group(2)]))


def seconds_of(hints):
    """Return a step's time limit. The job controller gives each step a kubernetes_job_timeout, so that counts last."""
    if hints.get("htcondor_max_runtime"):
        asked = str(hints["htcondor_max_runtime"])
        return FLAVOURS.get(asked) or positive("htcondor_max_runtime", asked)
    if hints.get("slurm_time"):
        return slurm_seconds(str(hints["slurm_time"]))
    return positive("kubernetes_job_timeout", hints.get("kubernetes_job_timeout") or SECONDS)


def slurm_seconds(text):
    """Return the seconds of sbatch's --time: M, M:S, H:M:S, D-H, D-H:M, D-H:M:S."""
    match = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", text)
    if not match:
        raise HintError('slurm_time: "{}" is not understood: write minutes, or 2:00:00'.format(text))
    days, *parts = match.groups()
    given = [int(part) for part in parts if part is not None]
    if days is not None:
        hours, minutes, seconds = (given + [0, 0])[:3]
    elif len(given) == 3:
        hours, minutes, seconds = given
    else:
        hours, (minutes, seconds) = 0, (given + [0])[:2]
    total = int(days or 0) * 86400 + hours * 3600 + minutes * 60 + seconds
    return total or SECONDS  # 0: no limit


def positive(name, value):
    """Return a number of seconds above 0."""
    result = math.ceil(number(name, value))
    if result < 1:
        raise HintError("{} must be above 0".format(name))
    return result


def number(name, value):
    """Return a number that was given as text."""
    if not re.fullmatch(r"\d+(\.\d+)?", str(value)):
        raise HintError('{}: "{}" is not a number'.format(name, value))
    return float(value)
