# SPDX-License-Identifier: BSD-3-Clause
"""The systemd unit, read as systemd does, and a leatd that runs with its privileges alone."""
import os

from leatlib import paths

UNIT = os.path.join(paths.ROOT, "service", "leatd.service.in")


def settings(key):
    """The values of a setting, in their order."""
    with open(UNIT, encoding="ascii") as file:
        lines = [line.strip().partition("=") for line in file]
    values = [value for name, _, value in lines if name == key]
    assert values, f"{UNIT} has no {key}="
    return values


def capabilities():
    return settings("CapabilityBoundingSet")[-1].split()


def confined(argv, names):
    """`argv` with the named capabilities and no more, as root of a unit has them."""
    kept = "".join(",+" + name.lower().removeprefix("cap_") for name in names)
    return ["setpriv", "--bounding-set=-all" + kept, "--inh-caps=-all", "--no-new-privs", "--",
            *argv]


def capability_mask(pid, field):
    """A set of /proc/PID/status, as CapEff, as a number."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1], 16)
    raise AssertionError(f"no {field} of {pid}")
