# SPDX-License-Identifier: BSD-3-Clause
"""All that can be measured between two vhost-user ports, by name."""
import os

from benchlib import contender_ovs
from benchlib.contender_dpdk import Loop, Testpmd
from benchlib.contender_leat import Leat
from benchlib.contender_ovs import OpenVSwitch

KINDS = {"library": lambda: Loop("library"), "rings": lambda: Loop("rings"), "leat": Leat,
         "testpmd": Testpmd, "ovs": OpenVSwitch}
NAMES = {"library": "vhost library, bare loop", "rings": "ring to ring, bare loop",
         "leat": "leat, everything on", "testpmd": "testpmd io, net_vhost",
         "ovs": "Open vSwitch, DPDK"}


def installed(kind):
    """Whether this machine has what it takes."""
    return kind != "ovs" or os.access(contender_ovs.DAEMON, os.X_OK)
