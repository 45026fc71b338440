# SPDX-License-Identifier: BSD-3-Clause
"""Policy in large: ten thousand rules of one group, a thousand groups; how long a change takes,
what a connection's first packet costs more than those that follow it, what a rule weighs."""
import contextlib
import signal

from benchlib import generator, policy, rig
from benchlib.book import percentile
from benchlib.contender_leat import GROUP, Leat, leat_rules
from benchlib.part_control import timed
from leatlib import wait
from leatlib.frames import payload_is, udp
from leatlib.large import memory_mb

RULES, GROUPS, RULES_OF_A_GROUP = 10000, 1000, 10
CHANGES = 10
CHANGE_MS, NEW_FLOW_NS = 1000, 1000
STAGES_MS = 300
RATE = 100000        # packets a second each way, beside a change
TRAFFIC_SECONDS = 20  # at most
KINDS = {"established": ["--bidir", "--flows", 1000, "--spread"],
         "new flows": ["--bidir", "--new-flows", "--spread"]}
DOOR = "door"  # the rule that changes


def _heap_mb(net):
    memory = net.call("system.status")["memory"]
    return (memory["heap_total_bytes"] - memory["heap_free_bytes"]) / 2 ** 20


def _weight(net):
    """What the daemon holds of ordinary memory, and of hugepages, in MB."""
    return memory_mb(net.pid), _heap_mb(net)


def _open(net, is_open):
    return net.call("rule.upsert", id=DOOR, group=GROUP, direction="in", priority=100,
                    action="allow" if is_open else "deny", proto="udp", port=7)


def _passes(a, b, text):
    """Does a packet pass, and not only the one behind it?"""
    a.raw.send(udp(a, b, text, dport=7))
    a.raw.send(udp(a, b, f"behind {text}", dport=9))
    return bool(b.raw.collect(payload_is(text), payload_is(f"behind {text}")))


def _changes(net, a, b, name):
    """One rule of all is changed; the first packet behind the reply is judged by it."""
    took = []
    for number in range(CHANGES):
        is_open = number % 2 == 1
        took.append(timed(_open, net, is_open))
        assert _passes(a, b, f"{name}, packet {number}.") == is_open, "not in force at the reply"
    return {"change, median": percentile(took, 0.5), "change, longest": max(took)}


def _others(count):
    """Rules that match nothing of _passes()."""
    return [{**rule, "proto": "tcp"} for rule in leat_rules(count)]


def _apply(net, kind, objects):
    net.call("txn.apply", deadline_ms=60000, ops=[
        {"method": f"{kind}.upsert", "params": params} for params in objects])


def _hosts(net):
    net.call("group.upsert", id=GROUP)
    return [net.tap(name, bare=True, group=GROUP) for name in "ab"]


def _one_group(net):
    """All rules are one group's."""
    a, b = _hosts(net)
    _open(net, True)
    rss, heap = _weight(net)
    made = timed(_apply, net, "rule", _others(RULES))
    rss_after, heap_after = _weight(net)
    values = {"made in one go": made, **_changes(net, a, b, "one group")}
    return {**values, "memory a rule": (rss_after - rss) * 1024 / RULES,
            "hugepages a rule": (heap_after - heap) * 1024 / RULES,
            "highest, more than without": memory_mb(net.pid, "VmHWM") - rss}


def _many_groups(net):
    """As many rules, ten to a group."""
    a, b = _hosts(net)
    _apply(net, "group", [{"id": f"g{number}"} for number in range(GROUPS)])
    rules = [{**rule, "group": f"g{number % GROUPS}"} for number, rule in
             enumerate(_others(GROUPS * RULES_OF_A_GROUP))]
    made = timed(_apply, net, "rule", rules)
    return {"made in one go": made, **_changes(net, a, b, "many groups")}


def _cost(leat, options):
    """What a packet costs the worker, in ns, by the stages of its measurement; and their misses."""
    traffic = generator.start(leat, options, TRAFFIC_SECONDS)
    try:
        wait.until(lambda: leat.net.port("a")["rx_packets"] > 100000, 20, "traffic")
        worker, = leat.net.call("stats.get", kinds=["worker"], stages_ms=STAGES_MS)["worker"]
        assert traffic.alive(), "the traffic ended early: " + traffic.text()
    finally:
        traffic.kill(signal.SIGTERM)
        generator.finish(traffic, 20)
    ns = STAGES_MS * 1e6 / worker["measured"]["cycles"]
    return (worker["measured"]["cycles_per_packet"] * ns,
            worker["stages"]["decide"]["cycles"] * ns / worker["measured"]["packets"])


def _beside(leat):
    """Changes of one rule while traffic runs; the longest, in ms."""
    traffic = generator.start(leat, ["--bidir", "--flows", 1000, "--rate", RATE], TRAFFIC_SECONDS)
    try:
        wait.until(lambda: leat.net.port("a")["rx_packets"] > RATE, 20, "traffic")
        took = [timed(_open, leat.net, number % 2 == 1) for number in range(CHANGES)]
        assert traffic.alive(), "the traffic ended early: " + traffic.text()
    finally:
        traffic.kill(signal.SIGTERM)
        generator.finish(traffic, 20)
    return max(took)


def _new_flows(count):
    """What the first packet of a connection costs more than one of an established flow; and how
    long a change takes beside traffic."""
    with contextlib.closing(Leat()) as leat, leat.running():
        leat.net.call("state.replace", owner="local", scope=["rule"],
                      objects={"rule": list(leat_rules(count, policy.SEED))})
        beside = _beside(leat)
        costs = {kind: _cost(leat, options) for kind, options in KINDS.items()}
    (known, _), (new, decided) = costs["established"], costs["new flows"]
    return {"change beside traffic, longest": beside, "established packet": known,
            "first packet": new, "more than established": new - known, "deciding": decided}


def _metrics(book):
    for name in ("made in one go", "change, median", "change, longest"):
        book.metric("rules", name, "ms", "lower")
    for name in ("memory a rule", "hugepages a rule"):
        book.metric("rules", name, "KB", "lower")
    book.metric("rules", "highest, more than without", "MB", "lower")
    book.metric("new flow", "change beside traffic, longest", "ms", "lower")
    for name in ("established packet", "first packet", "more than established", "deciding"):
        book.metric("new flow", name, "ns", "lower")


def _judge(book, one, many, most):
    """Where it is about being in force in time, the worst round counts."""
    for name, what, metric, part in (
            (one, "a change in force", "change, longest", "rules"),
            (many, "a change in force", "change, longest", "rules"),
            (most, f"the same beside {2 * RATE:,} packets a second",
             "change beside traffic, longest", "new flow")):
        longest = max(book.values(part, metric, name))
        book.target(f"{name}: {what} within {CHANGE_MS} ms", f"{longest:.1f} ms",
                    longest < CHANGE_MS)
    more = max(book.values("new flow", "more than established", most))
    book.target(f"{most}: a first packet costs {NEW_FLOW_NS} ns more than others at most",
                f"{more:.0f} ns", more < NEW_FLOW_NS)


def run(book, rounds, _options):
    one, many = f"{RULES:,} rules of one group", f"{GROUPS:,} groups, {RULES_OF_A_GROUP} rules each"
    flows = {count: f"{count:,} rule{'s' * (count != 1)}" for count in (1, 1000, RULES)}
    book.say(f"== policy: {one}; {many}; new flows with {', '.join(flows.values())}")
    _metrics(book)
    for number in range(1, min(rounds, 3) + 1):
        for name, measure in ((one, _one_group), (many, _many_groups)):
            book.look()
            with contextlib.closing(rig.switch()) as net:
                book.add("rules", name, number, measure(net))
        for count, name in flows.items():
            book.look()
            book.add("new flow", name, number, _new_flows(count))
    _judge(book, one, many, flows[RULES])
