# SPDX-License-Identifier: BSD-3-Clause
"""A state larger than one message, in one commit, kept."""
import json

from leatlib import large
from leatlib.pinger import Pinger
from leatlib.process import run
from leatlib.rpc import Rpc

RULES, GROUPS, ENDPOINTS = 10000, 20, 100
LINE_BYTES = 4 << 20
RULES_OF_MORE_THAN_A_LINE = 4500  # with labels of 1000 bytes
DONE, REFUSED, WOULD_CHANGE = 0, 1, 4


def test_a_large_state(make_switch, tmp_path):
    switch = make_switch(state_dir=str(tmp_path / "state"))
    rpc = switch.keep(Rpc(switch.socket, timeout=60))
    pinger = Pinger(switch.socket)
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


def test_leatctl_with_more_than_a_line(net):
    objects = {"group": [{"id": f"group{number}"} for number in range(GROUPS)],
               "rule": [{**rule, "labels": {str(part): "x" * 250 for part in range(4)}}
                        for rule in large.rules(RULES_OF_MORE_THAN_A_LINE, GROUPS)]}
    path = net.path("large.json")

    def ctl(*words):
        return run([net.ctl, "-s", net.socket, "-o", "large", *words], check=False)

    def apply(*words):
        text = json.dumps({"rev": 1, "objects": objects}, separators=(",", ":"))
        assert len(text) > LINE_BYTES
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return ctl("apply", path, *words)

    rev = net.call("state.get")["rev"]
    last = objects["rule"][-1]
    last["priority"] = 0
    wrong = apply()
    assert wrong.returncode == REFUSED
    assert f"/objects/rule/{RULES_OF_MORE_THAN_A_LINE - 1}/priority: " in wrong.stderr
    last["priority"] = 1
    plan = apply("--plan")
    assert plan.returncode == WOULD_CHANGE
    assert f"+ rule: {RULES_OF_MORE_THAN_A_LINE}\n" in plan.stdout
    assert (f"to add: {RULES_OF_MORE_THAN_A_LINE + GROUPS}, to change: 0, to remove: 0\n"
            in plan.stdout)
    assert apply(f"if_rev={rev + 1}").returncode == REFUSED
    state = net.call("state.get", owner="large")
    assert state["rev"] == rev and not any(state["objects"].values())
    assert apply(f"if_rev={rev}").returncode == DONE
    # What is dumped is what was applied.
    dumped = json.loads(ctl("-j", "dump", "owner=large").stdout)
    objects = dumped["objects"]
    assert dumped["rev"] == rev + 1 and len(objects["rule"]) == RULES_OF_MORE_THAN_A_LINE
    same = apply("--plan")
    assert (same.returncode, same.stdout) == (DONE, f"nothing to do at revision {rev + 1}\n")
    del objects["rule"][0]
    assert "GUARD" in apply("max_removed=0").stderr
