# SPDX-License-Identifier: BSD-3-Clause
"""Both policy modes against a model of the contract, which shares nothing with the switch: random
configurations, what policy.trace says of random packets, and where real ones arrive."""
import pytest

from policymodel.compare import Comparison

CONFIGS, TRACES, PACKETS = 1000, 100, 60
SANITIZED_CONFIGS = 60
REFUSED_SHARE = 0.05  # of the traces, at least: a comparison in which nothing happens shows nothing


def compare(mode, configs, seed, **options):
    comparison = Comparison(mode, seed, **options)
    try:
        comparison.run(configs, TRACES, PACKETS)
        comparison.wire.switch.stop()
    finally:
        comparison.close()
    print(f"{comparison.traced} traces, {comparison.sent} packets: {dict(comparison.seen)}")
    return comparison


@pytest.mark.parametrize("mode", ["strict", "contiv"])
def test_random_configurations(mode):
    """With the optimised build, for the number of cases."""
    done = compare(mode, CONFIGS, seed=1, release=True)
    assert (done.configs, done.traced, done.sent) == (CONFIGS, CONFIGS * TRACES, CONFIGS * PACKETS)
    refused = sum(done.seen[reason] for reason in ("rule_deny", "default_deny"))
    assert refused > REFUSED_SHARE * done.traced and done.seen["forward"] > done.traced / 3


@pytest.mark.parametrize("mode", ["strict", "contiv"])
def test_random_configurations_with_sanitizers(mode):
    assert compare(mode, SANITIZED_CONFIGS, seed=2).configs == SANITIZED_CONFIGS
