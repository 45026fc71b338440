# SPDX-License-Identifier: BSD-3-Clause
"""An uplink that has less than containers want: shared by weight, with what is kept for one."""
import signal

import pytest

from leatlib import rpc, wait
from leatlib.process import run
from leatlib.rpc import RpcError

pytestmark = pytest.mark.alone

CAPACITY = 60_000  # kb/s
EACH = "60M"       # what every container sends
MEASURE_NS = 1_000_000_000
WINDOWS = 6       # one in which no sender was kept off its core is enough
TOLERANCE = 0.05
OUTSIDE = "10.1.200.1"


@pytest.fixture
def trunk(make_switch):
    """Containers that send far more than the uplink takes to a host behind it."""
    net = make_switch()
    net.network(vlan=None)
    net.uplink_tap(capacity_kbps=CAPACITY)
    net.root.ip(f"addr add {OUTSIDE}/16 dev up0")
    net.hosts_by_name = {name: net.tap(name) for name in ("a", "b", "c")}
    senders = []
    for port, host in enumerate(net.hosts_by_name.values(), 5201):
        listener = net.root.start(["iperf3", "-s", "-1", "--forceflush", "-p", port])
        listener.expect("Server listening", 10)
        senders.append(host.ns.start(["iperf3", "-u", "-c", OUTSIDE, "-p", port, "-b", EACH,
                                      "-l", 1400, "-t", 60]))
    yield net
    for sender in senders:
        sender.kill(signal.SIGKILL)


def shares(net):
    """What each has of the uplink, in kb/s, once all have more than they are given."""
    def sample():
        stats = net.call("stats.get", kinds=["uplink"])
        return stats["ts_ns"], stats["uplink"]["up0"]["capacity"]["shares"]
    before = sample()[1]
    wait.until(lambda: all(share["dropped_packets"] > before[name]["dropped_packets"] + 100
                           for name, share in sample()[1].items()), 10, "three that want more")
    first, last = wait.window(sample, MEASURE_NS, 10, "a second of load")
    return {name: (last[1][name]["sent_bytes"] - first[1][name]["sent_bytes"]) * 8e6 /
            (last[0] - first[0]) for name in first[1]}


def assert_shares(net, wanted):
    seen = []
    for _ in range(WINDOWS):
        seen.append(shares(net))
        if all(abs(seen[-1][name] / kbps - 1) < TOLERANCE for name, kbps in wanted.items()):
            return
    raise AssertionError(f"{seen} instead of {wanted}")


def set_qos(net, **qos):
    for name, values in qos.items():
        host = net.hosts_by_name[name]
        net.endpoint(host, host.port_spec, qos=values)


def test_shares(trunk):
    """Alike; by weight; with something kept; each while the traffic runs."""
    assert_shares(trunk, dict.fromkeys("abc", CAPACITY / 3))
    set_qos(trunk, b={"weight": 2}, c={"weight": 3})
    assert_shares(trunk, {"a": CAPACITY / 6, "b": CAPACITY / 3, "c": CAPACITY / 2})
    set_qos(trunk, a={"min_kbps": CAPACITY // 2}, b={}, c={})
    assert_shares(trunk, {"a": CAPACITY * 2 / 3, "b": CAPACITY / 6, "c": CAPACITY / 6})
    rows = [line.split() for line in
            run([trunk.ctl, "-s", trunk.socket, "qos", "show"]).stdout.splitlines()]
    assert ["up0", "out", "shape", "60", "Mbit/s"] in [row[:5] for row in rows], rows
    assert ["up0", "a", "1", "30", "Mbit/s"] in [row[:5] for row in rows], rows


def test_more_than_there_is_is_refused(net):
    net.call("group.upsert", id="kept", qos={"min_kbps": 400})
    host = net.tap("a")
    with pytest.raises(RpcError) as caught:
        net.endpoint(host, host.port_spec, group="kept")
    assert caught.value.code == rpc.DEPENDENCY
    net.uplink_tap(capacity_kbps=1000)
    for name in ("b", "c"):
        net.tap(name, group="kept")
    before = net.call("system.status")["rev"]
    with pytest.raises(RpcError) as caught:
        net.endpoint(host, host.port_spec, group="kept")
    assert caught.value.code == rpc.EXHAUSTED and "1200 kbps" in str(caught.value)
    for method, fields in (("uplink.delete", {"id": "up0"}),
                           ("group.upsert", {"id": "kept", "qos": {"min_kbps": 501}}),
                           ("uplink.upsert", {"id": "up0", "capacity_kbps": 799, "device": {
                               "kind": "tap", "name": "up0"}})):
        with pytest.raises(RpcError) as caught:
            net.call(method, **fields)
        assert caught.value.code in (rpc.IN_USE, rpc.EXHAUSTED), method
    assert net.call("system.status")["rev"] == before
