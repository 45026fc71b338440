# SPDX-License-Identifier: BSD-3-Clause
"""Events as a client sees them."""
import json
import signal

from leatlib.watcher import Watcher


def test_ports_change_state(net):
    v = net.vhost("v")
    watcher = Watcher(net, types=["port.state"], snapshot=True)
    first = watcher.next()
    assert (first["object"], first["data"]) == ("endpoint:v", {"state": "pending",
                                                                 "snapshot": True})
    peer = net.peer(v)
    up = watcher.next()
    assert (up["object"], up["data"]["state"]) == ("endpoint:v", "active")
    peer.close()
    down = watcher.next()
    assert down["data"]["state"] == "pending" and down["seq"] > up["seq"]


def test_commits(net):
    watcher = Watcher(net)
    net.network("more", vlan=7)
    event = watcher.next("config.changed")
    assert event["data"]["rev"] == net.call("system.status")["rev"]
    assert event["data"]["added"] == {"network": ["more"]}
    assert event["data"]["owner"] == "local" and event["ts_ns"] > 0


def test_since_across_a_restart(make_switch, tmp_path):
    switch = make_switch(state_dir=str(tmp_path / "state"))
    switch.network()
    watcher = Watcher(switch)
    switch.network("more", vlan=7)
    seen = watcher.next("config.changed")["seq"]
    boot_id = watcher.start["boot_id"]
    again = Watcher(switch, since={"boot_id": boot_id, "seq": seen - 1})
    assert again.next()["seq"] == seen
    switch.restart(signal.SIGKILL)
    late = Watcher(switch, since={"boot_id": boot_id, "seq": seen})
    lost = late.next()
    assert lost["type"] == "events.lost" and lost["data"]["boot_id"] == boot_id


def test_monitor(net):
    v = net.vhost("v")
    monitor = net.root.start([net.ctl, "-s", net.socket, "monitor", "snapshot=true"])
    monitor.expect(r"port\.state +endpoint:v state=pending", 10)
    net.network("more", vlan=7)
    monitor.expect(r'config\.changed .*"network":\["more"\]', 10)
    net.peer(v)
    monitor.expect(r"port\.state +endpoint:v state=active", 10)
    raw = net.root.start([net.ctl, "-s", net.socket, "-j", "monitor", "snapshot=true"])
    raw.expect(r'^{.*"port\.state"', 10)  # so it has subscribed
    net.network("still", vlan=8)
    line = raw.expect(r'^{.*"config\.changed".*}$', 10).group(0)
    assert json.loads(line)["data"]["added"] == {"network": ["still"]}
