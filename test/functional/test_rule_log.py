# SPDX-License-Identifier: BSD-3-Clause
"""Rules with `log`: which packets give an event, what it says, and what a flood of them does."""
import time

import pytest
from scapy.layers.inet import ICMP, TCP
from scapy.layers.l2 import Dot1Q

from leatlib import wait
from leatlib.frames import BROADCAST, IP, Ether, crosses, payload_is, udp, udp6
from leatlib.watcher import Watcher

FLOOD = 100_000
QUEUE = 500  # what a TAP holds for the switch, and more
EVENTS_PER_WINDOW, WINDOW_SECONDS = 10, 1.024  # of one rule on one worker
EACH = 300            # packets of each sender
RULES, PACKETS = 60, 10
EVENTS_PER_SECOND = 100
EVENTS_AT_ONCE = 100  # after a silence
TICK_SECONDS = 0.2    # within which what is due is said


@pytest.fixture
def pair(net):
    """Two hosts; b's group has a rule that allows and one that denies, both with a log, and one
    that denies without."""
    net.call("group.upsert", id="gb")
    net.a, net.b = net.tap("a", bare=True, v6=True), net.tap("b", bare=True, v6=True, group="gb")
    rule(net, "yes", "allow", proto="udp", port=5000, log=True)
    rule(net, "no", "deny", proto="tcp", port=22, log=True)
    rule(net, "quiet", "deny", proto="udp", port=6000)
    return net


def rule(net, name, action, **fields):
    return net.call("rule.upsert", id=name, group="gb", direction="in", action=action, **fields)


def syn(src, dst, sport=4000):
    return (Ether(src=src.mac, dst=dst.mac) / IP(src=src.ip, dst=dst.ip)
            / TCP(sport=sport, dport=22, flags="S"))


def said(net, verdict, proto, **fields):
    """What an event says of a packet from a to b."""
    return {"verdict": verdict, "endpoint": "a", "network": "net", "src_mac": net.a.mac,
            "dst_mac": net.b.mac, "src_ip": net.a.ip, "dst_ip": net.b.ip, "proto": proto, **fields}


def next_said(watcher):
    event = watcher.next()
    assert event["type"] == "rule.log" and event["ts_ns"] > 0
    return event["object"], event["data"]


@pytest.mark.parametrize("mode", ["strict", "contiv"])
def test_an_event_each(pair, mode):
    pair.call("global.set", policy_mode=mode)
    watcher = Watcher(pair, types=["rule.log"])
    allowed = said(pair, "allow", "udp", src_port=4000, dst_port=5000)
    denied = said(pair, "deny", "tcp", src_port=4000, dst_port=22)
    assert crosses(pair.a, pair.b, udp(pair.a, pair.b, "first"))
    assert next_said(watcher) == ("rule:yes", allowed)
    # More of the connection, and what a rule without a log refuses: nothing.
    assert crosses(pair.a, pair.b, udp(pair.a, pair.b, "second"))
    if mode == "strict":
        assert crosses(pair.b, pair.a, udp(pair.b, pair.a, "reply", sport=5000, dport=4000))
    assert not crosses(pair.a, pair.b, udp(pair.a, pair.b, "quiet", dport=6000))
    assert not crosses(pair.a, pair.b, syn(pair.a, pair.b))
    assert next_said(watcher) == ("rule:no", denied)
    # Another connection; and the log of the rule taken away.
    assert crosses(pair.a, pair.b, udp(pair.a, pair.b, "third", sport=4001))
    assert next_said(watcher) == ("rule:yes", {**allowed, "src_port": 4001})
    rule(pair, "yes", "allow", proto="udp", port=5000)
    assert crosses(pair.a, pair.b, udp(pair.a, pair.b, "fourth", sport=4002))
    assert not crosses(pair.a, pair.b, syn(pair.a, pair.b, sport=4003))
    assert next_said(watcher) == ("rule:no", {**denied, "src_port": 4003})


def test_other_protocols_and_an_uplink(pair):
    up = pair.uplink_tap("up0")
    watcher = Watcher(pair)
    assert crosses(pair.a, pair.b, udp6(pair.a, pair.b, "six"))
    assert next_said(watcher) == ("rule:yes", said(
        pair, "allow", "udp", src_ip=pair.a.ip6, dst_ip=pair.b.ip6, src_port=4000, dst_port=5000))
    rule(pair, "echo", "deny", proto="icmp", log=True)
    watcher.next("config.changed")
    pair.a.raw.send(Ether(src=pair.a.mac, dst=pair.b.mac) / IP(src=pair.a.ip, dst=pair.b.ip)
                    / ICMP(type=8))
    assert next_said(watcher) == ("rule:echo", said(pair, "deny", "icmp", icmp_type=8, icmp_code=0))
    mac, ip = "02:00:00:00:77:01", "10.1.200.1"
    up.send(Ether(src=mac, dst=pair.b.mac) / Dot1Q(vlan=100) / IP(src=ip, dst=pair.b.ip)
            / TCP(sport=7, dport=22, flags="S"))
    wanted = said(pair, "deny", "tcp", src_mac=mac, src_ip=ip, src_port=7, dst_port=22,
                  uplink="up0")
    del wanted["endpoint"]
    assert next_said(watcher) == ("rule:no", wanted)


def test_a_rule_that_goes(pair):
    """What its last packets were is told by its name, and who takes its place is not blamed."""
    watcher = Watcher(pair, types=["rule.log"])
    for sport in range(4000, 4010):
        pair.a.raw.send(syn(pair.a, pair.b, sport))
        wait.until(lambda: pair.drops("a").get("rule_deny", 0) == sport - 3999, 5, "the refusal")
        pair.call("txn.apply", ops=[
            {"method": "rule.delete", "params": {"id": f"no{sport - 1}" if sport > 4000 else "no"}},
            {"method": "rule.upsert", "params": {
                "id": f"no{sport}", "group": "gb", "direction": "in", "action": "deny",
                "proto": "tcp", "port": 22, "log": True}}])
        name = f"no{sport - 1}" if sport > 4000 else "no"
        assert next_said(watcher) == (f"rule:{name}", said(
            pair, "deny", "tcp", src_port=sport, dst_port=22))


def test_flood(pair):
    """A hundred thousand refused packets: some events, and the count of all others. Who has nothing
    to do with it hears nothing of it."""
    c, d = pair.tap("c"), pair.tap("d")
    watcher = Watcher(pair, types=["rule.log"])
    frame = bytes(syn(pair.a, pair.b))
    began = time.monotonic()
    for sent in range(QUEUE, FLOOD + 1, QUEUE):
        for _ in range(QUEUE):
            pair.a.raw.send(frame)
        wait.until(lambda: pair.port("a")["rx_packets"] == sent, 20, "them to be taken")
        if sent % (FLOOD // 4) == 0:
            c.ping(d)
    took = time.monotonic() - began
    assert pair.drops("a") == {"rule_deny": FLOOD}
    events = told = 0
    while told < FLOOD:
        event = watcher.next("rule.log")
        assert event["object"] == "rule:no"
        events += 1
        told += event["data"].get("left_out", 0) + ("verdict" in event["data"])
    assert told == FLOOD
    assert events <= EVENTS_PER_WINDOW * (took / WINDOW_SECONDS + 2) + took + 2
    # Others' events find their place.
    assert crosses(pair.a, pair.b, udp(pair.a, pair.b, "after"))
    assert next_said(watcher)[0] == "rule:yes"


def test_monitor(pair):
    monitor = pair.root.start([pair.ctl, "-s", pair.socket, "monitor", "types=rule.log"])

    def seen():
        pair.a.raw.send(syn(pair.a, pair.b))
        return "rule.log" in monitor.text()
    wait.until(seen, 10, "a line of the monitor")
    monitor.expect(rf"rule\.log +rule:no deny tcp {pair.a.ip}:4000 > {pair.b.ip}:22, endpoint a, "
                   "network net", 5)
    pair.a.raw.send(udp6(pair.a, pair.b, "six"))
    monitor.expect(
        rf"rule:yes allow udp \[{pair.a.ip6}\]:4000 > \[{pair.b.ip6}\]:5000, endpoint a", 5)


def told(event):
    """How many packets an event accounts for."""
    return event["data"].get("left_out", 0) + ("verdict" in event["data"])


def events_about(watcher, packets):
    """Events until they account for so many packets."""
    events, count = [], 0
    while count < packets:
        events.append(watcher.next("rule.log"))
        count += told(events[-1])
    assert count == packets
    return events


def test_a_flooded_packet(pair):
    """Refused: an event a receiver that may not have it. Allowed: none, for it begins nothing."""
    pair.tap("c", bare=True, group="gb")
    d = pair.tap("d", bare=True)
    rule(pair, "cast", "deny", proto="udp", port=7000, log=True)
    watcher = Watcher(pair, types=["rule.log"])
    pair.a.raw.send(udp(pair.a, pair.b, "refused", dport=7000, dst=BROADCAST))
    d.raw.expect(payload_is("refused"))
    refused = said(pair, "deny", "udp", dst_mac=BROADCAST, src_port=4000, dst_port=7000)
    for _ in range(2):
        assert next_said(watcher) == ("rule:cast", refused)
    pair.a.raw.send(udp(pair.a, pair.b, "allowed", dst=BROADCAST))
    pair.b.raw.expect(payload_is("allowed"))
    pair.a.raw.send(syn(pair.a, pair.b))
    assert next_said(watcher)[0] == "rule:no"


def test_two_workers(make_switch):
    """Each tells of its own packets, and all are accounted for."""
    switch = make_switch(workers="0,1", memory=256)
    switch.network()
    switch.call("group.upsert", id="gb")
    senders = [switch.tap(name, bare=True) for name in "ac"]
    b = switch.tap("b", bare=True, group="gb")
    rule(switch, "no", "deny", proto="tcp", log=True)
    watcher = Watcher(switch, types=["rule.log"])
    begin = time.monotonic()
    for sender in senders:
        frame = bytes(syn(sender, b))
        for _ in range(EACH):
            sender.raw.send(frame)
    events = events_about(watcher, 2 * EACH)
    most = EVENTS_PER_WINDOW * ((time.monotonic() - begin) / WINDOW_SECONDS + 2)
    for sender in senders:
        own = [event for event in events if event["data"].get("endpoint") == sender.id]
        assert EVENTS_PER_WINDOW <= len(own) <= most
    assert switch.drops() == {"rule_deny": 2 * EACH}
    assert [worker["packets"] for worker in switch.call("system.status")["workers"]] == [EACH, EACH]


def test_a_hundred_a_second(pair):
    """Many rules at once have more to say than may be said: the rest is a count."""
    pair.call("txn.apply", ops=[{"method": "rule.upsert", "params": {
        "id": f"r{number}", "group": "gb", "direction": "in", "action": "deny", "proto": "udp",
        "port": 20000 + number, "log": True}} for number in range(RULES)])
    frames = [bytes(udp(pair.a, pair.b, "no", dport=20000 + number)) for number in range(RULES)]
    watcher = Watcher(pair, types=["rule.log"])
    for count in range(PACKETS):
        for frame in frames:
            pair.a.raw.send(frame)
        wait.until(lambda: pair.port("a")["rx_packets"] == (count + 1) * RULES, 10,
                   "them to be taken")
    events = events_about(watcher, RULES * PACKETS)
    assert sum("verdict" in event["data"] for event in events) < RULES * PACKETS
    by_rule = {}
    for event in events:
        by_rule[event["object"]] = by_rule.get(event["object"], 0) + told(event)
    assert by_rule == {f"rule:r{number}": PACKETS for number in range(RULES)}
    times = [event["ts_ns"] / 1e9 for event in events]
    for first, begin in enumerate(times):
        for last in range(first, len(times)):
            seconds = times[last] - begin + TICK_SECONDS
            assert last - first < EVENTS_AT_ONCE + EVENTS_PER_SECOND * seconds
