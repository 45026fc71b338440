# SPDX-License-Identifier: BSD-3-Clause
"""Every packet is accounted for: rx + copies = tx + drops, once the workers are at rest."""
from leatlib import wait

FIELDS = ("rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "copies")
REST_SECONDS = 30


def port_sums(stats):
    """The sums over all ports, those already deleted (`gone`) included."""
    sums = dict.fromkeys(FIELDS + ("drops",), 0)
    for port in list(stats["port"].values()) + [stats["gone"]]:
        for field in FIELDS:
            sums[field] += port[field]
        sums["drops"] += sum(port["drops"].values())
    return sums


def assert_books_balance(rpc):
    """Poll until rx + copies equals tx + drops; the difference may only be packets in flight."""
    seen = {}

    def balanced():
        seen.update(port_sums(rpc.call("stats.get")))
        return seen["rx_packets"] + seen["copies"] == seen["tx_packets"] + seen["drops"]
    wait.until(balanced, REST_SECONDS, lambda: f"the books to balance: {seen}")


def drops(rpc, port=None):
    """The drops by reason, of one port or of all together, zero ones left out."""
    stats = rpc.call("stats.get")
    reasons = stats["port"][port]["drops"] if port else stats["drop"]
    return {reason: count for reason, count in reasons.items() if count}


def port(rpc, name):
    """The counters of one port."""
    return rpc.call("stats.get", kinds=["port"], ids=[name])["port"][name]
