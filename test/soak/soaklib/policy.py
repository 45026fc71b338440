# SPDX-License-Identifier: BSD-3-Clause
"""The policy modes against their model, for as long as asked."""
import time

from policymodel.compare import Comparison

TRACES, PACKETS = 100, 60  # a configuration
SAY_EVERY = 500


def run(count, seed, say):
    """So many configurations in each mode."""
    for mode in ("strict", "contiv"):
        comparison = Comparison(mode, seed, release=True)
        began = time.monotonic()
        try:
            while comparison.configs < count:
                comparison.run(min(SAY_EVERY, count - comparison.configs), TRACES, PACKETS)
                say(f"{mode}: {comparison.configs} configurations, {comparison.traced} traces, "
                    f"{comparison.sent} packets, {time.monotonic() - began:.0f} s")
        finally:
            comparison.close()
