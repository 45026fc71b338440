# SPDX-License-Identifier: BSD-3-Clause
"""A thousand rules, the same for every switch that takes rules."""
import ipaddress
import random

RULES = 1000
SEED = 1
SPREAD = ipaddress.ip_network("10.128.0.0/9")  # where leat-bench's spread destinations lie
PORT = 5000           # the first destination port of leat-bench's flows, which take a few more
PORTS = (4992, 5119)  # none of them lies outside; one masked value in a flow of Open vSwitch
PORTS_MASK = 0xFF80
ALLOWS = 4            # one rule in so many allows what is benched, and meets it


def _prefix(chance, shortest, longest):
    length = chance.randint(shortest, longest)
    address = int(SPREAD.network_address) + chance.randrange(SPREAD.num_addresses)
    return str(ipaddress.ip_network((address, length), strict=False))


def _port(chance):
    """Any but the benched ones."""
    while True:
        port = chance.randint(1, 65535)
        if not PORTS[0] <= port <= PORTS[1]:
            return port


def rules(count=RULES, seed=SEED):
    """Rules of random prefixes and ports, as dicts: action, direction, proto, cidr, ports (low,
    high). The benched traffic passes them all: by the allowing ones that it meets, or by none."""
    chance = random.Random(seed)
    out = []
    for number in range(count):
        direction = chance.choice(["in", "out"])
        if number % ALLOWS == 0:
            out.append({"action": "allow", "direction": direction, "proto": "udp",
                        "cidr": _prefix(chance, 12, 20), "ports": PORTS})
            continue
        port = _port(chance)
        out.append({"action": "deny", "direction": direction,
                    "proto": chance.choice(["udp", "udp", "tcp"]),
                    "cidr": _prefix(chance, 14, 32), "ports": (port, port)})
    return out
