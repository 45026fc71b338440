# SPDX-License-Identifier: BSD-3-Clause
"""leat-bench counts what there is: all frames through a switch that passes them, and exactly what
is missing where one drops some."""
import json
import os
import signal

import pytest

from leatlib import paths, wait
from leatlib.daemon import sanitizer_env
from leatlib.process import Process

RATE = 20000
SECONDS = 0.5
SENT_MIN = 200  # however busy the machine


def program(name):
    return os.path.join(paths.BUILD, "test", "bench", name)


def bench(sockets, *options, window=500):
    """Run it on core 0 at a rate that nothing fails to carry; its JSON object. The window keeps a
    machine that has no time for a while from overrunning a ring."""
    process = Process([program("leat-bench"), "--json", "--cpu", 0, "--secs", SECONDS, "--rate",
                       RATE, "--window", window, *options, *sockets],
                      env=sanitizer_env())
    try:
        assert process.wait(60) == 0, process.text()
        return json.loads(process.text().splitlines()[-1])
    finally:
        process.kill()


def assert_all_delivered(report, directions=2):
    assert len(report["directions"]) == directions
    for way in report["directions"]:
        assert way["sent"] > SENT_MIN, way
        assert way["received"] == way["sent"] and way["lost"] == 0, way
        assert way.get("reordered", 0) == 0 and way.get("foreign", 0) == 0, way


def pair(net, mode="server", **fields):
    return [net.vhost(name, mode=mode, **fields) for name in ("a", "b")]


@pytest.mark.parametrize("mode", ["server", "client"])
@pytest.mark.parametrize("front_end", [[], ["--virtio-user"]])
def test_all_frames_pass_in_order(net, mode, front_end):
    """`mode` is the switch's side of the sockets."""
    hosts = pair(net, mode)
    ours = "client" if mode == "server" else "server"
    report = bench([host.socket for host in hosts], "--mode", ours, "--bidir", "--flows", 500,
                   "--check", *front_end)
    assert not net.drops(), report
    assert_all_delivered(report)
    for host, way in zip(hosts, report["directions"]):
        assert net.port(host.id)["rx_packets"] >= way["sent"]


@pytest.mark.parametrize("options", [["--flows", 3000], ["--flows", 3000, "--rewrite"],
                                     ["--flows", 3000, "--spread"], ["--new-flows"],
                                     ["--new-flows=there"],
                                     ["--size", 1518], ["--size", "imix", "--check"]])
def test_every_workload_passes_the_guard(net, options):
    """Addresses, lengths and checksums are those of proper frames."""
    hosts = pair(net)
    report = bench([host.socket for host in hosts], "--bidir", *options)
    assert not net.drops(), report
    assert_all_delivered(report)


def test_loss_is_noticed_to_the_frame(net):
    """A rule denies a part of the addresses: the bench misses what the switch says it dropped."""
    net.call("group.upsert", id="g")
    net.call("rule.upsert", id="deny", group="g", direction="out", action="deny",
             remote={"cidr": "10.192.0.0/10"})
    hosts = pair(net, group="g")
    way = bench([host.socket for host in hosts], "--flows", 1000, "--spread=10.128.0.0/9",
                "--warmup", 0, window=32768)["directions"][0]
    assert 0.3 < way["lost"] / way["sent"] < 0.7, way
    assert way["lost"] + way["received"] == way["sent"]
    dropped = sum(net.drops().values())
    assert net.drops("a")["rule_deny"] > dropped * 0.9, net.drops()
    # Before the count began, a few knocked.
    assert way["lost"] <= dropped <= way["lost"] + net.port("a")["rx_packets"] - way["sent"]


def test_a_signal_ends_the_measuring(net):
    hosts = pair(net)
    process = Process([program("leat-bench"), "--json", "--cpu", 0, "--secs", 600, "--rate", RATE,
                       *[host.socket for host in hosts]], env=sanitizer_env())
    wait.until(lambda: net.port("b")["tx_packets"] > RATE, 60, "a second's frames")
    process.kill(signal.SIGTERM)
    assert process.wait(20) == 0, process.text()
    way = json.loads(process.text().splitlines()[-1])["directions"][0]
    assert 0 < way["received"] == way["sent"]
    process.close()


def test_latency_is_that_of_every_packet(net):
    hosts = pair(net)
    took = bench([host.socket for host in hosts], "--latency")["directions"][0]["latency_ns"]
    assert 0 < took["p50"] <= took["p99"] <= took["p99.9"] <= took["max"] < 60e9


def test_idle_ports_are_connected(net):
    hosts = pair(net)
    idle = net.vhost("idle")
    process = Process([program("leat-bench"), "--cpu", 0, "--secs", 600, "--rate", 100, "--idle",
                       idle.socket, *[host.socket for host in hosts]], env=sanitizer_env())
    try:
        wait.until(lambda: net.state_of(idle) == "active", 15, "the idle port to be active")
    finally:
        process.kill()


@pytest.mark.parametrize("kind", ["library", "rings"])
@pytest.mark.parametrize("size", [64, 1518])
def test_bare_loops_carry_every_frame(tmp_path, kind, size):
    sockets = [str(tmp_path / name) for name in ("a", "b")]
    loop = Process([program("bench-loop-" + kind), "--lcores", "0@1", "--in-memory", "--no-pci",
                    "--no-telemetry", "-m", "64", "--", *sockets], env=sanitizer_env())
    try:
        loop.expect("^ready", 30)
        for _ in range(2):  # the second guest comes after the first one has gone
            assert_all_delivered(bench(sockets, "--bidir", "--flows", 2000, "--check", "--size",
                                       size))
    finally:
        loop.kill()


@pytest.mark.parametrize("options,complaint", [
    (["--size", "63"], "--size"), (["--flows", "0"], "--flows"), (["--rate", "x"], "--rate"),
    (["--ring-size", "1000"], "power of two"), (["--mac", "1,2"], "--mac"),
    (["--ip", "10.0.0.1"], "--ip"), (["--spread=10.0.0.1/8"], "--spread"),
    (["--mode", "x"], "--mode"), (["--new-flows=x"], "--new-flows"),
    (["--steady", "--check"], "--steady")])
def test_bad_options_are_named(options, complaint):
    process = Process([program("leat-bench"), *options, "a", "b"])
    assert process.wait(10) == 2
    assert complaint in process.text()
    process.close()


def test_a_switch_that_is_not_there_is_said(tmp_path):
    process = Process([program("leat-bench"), str(tmp_path / "a"), str(tmp_path / "b")])
    assert process.wait(40) == 1
    assert str(tmp_path / "a") in process.text()
    process.close()
