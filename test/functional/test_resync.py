# SPDX-License-Identifier: BSD-3-Clause
"""A state larger than one message, in one commit, kept."""
from leatlib import large
from leatlib.rpc import Rpc

RULES, GROUPS, ENDPOINTS = 10000, 20, 100


def test_a_large_state(make_switch, tmp_path):
    switch = make_switch(state_dir=str(tmp_path / "state"))
    rpc = switch.keep(Rpc(switch.socket, timeout=60))
    pinger = large.Pinger(switch.socket)
    objects = list(large.state(switch, RULES, GROUPS, ENDPOINTS))
    before_commit = []
    result, put, commit = large.resync(rpc, objects, at_commit=lambda: before_commit.append(
        pinger.answered()))
    meanwhile = pinger.answered() - before_commit[0]
    longest = pinger.stop()
    print(f"puts {put:.2f} s, commit {commit:.2f} s, longest ping {longest * 1000:.1f} ms")
    assert result["rev"] == 1
    assert {kind: len(ids) for kind, ids in result["added"].items()} == {
        "network": 1, "group": GROUPS, "rule": RULES, "endpoint": ENDPOINTS}
    assert meanwhile > 1, "no ping was answered during the commit"
    before = switch.call("state.get")
    switch.restart()
    assert switch.call("state.get") == before
    # The same once more changes nothing; with one of them missing, that one goes.
    again, _, _ = large.resync(switch.rpc, objects)
    assert again["rev"] == 1 and not again["added"] and not again["changed"]
    less, _, _ = large.resync(switch.rpc, objects[:-1])
    assert less["removed"] == {"endpoint": [objects[-1][1]["id"]]} and less["rev"] == 2


def test_forgotten_with_its_connection(net):
    other = Rpc(net.socket)
    other.call("resync.begin")
    other.call("resync.put", objects={"network": [{"id": "late", "vlan": 9}]})
    other.close()
    assert [item["id"] for item in net.call("network.list")["items"]] == ["net"]
    net.call("resync.begin")
    net.call("resync.abort")
