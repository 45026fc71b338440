# SPDX-License-Identifier: BSD-3-Clause
"""What a worker spends on each stage, measured while frames run through it."""
import os
import pty
import re
import signal
import subprocess
import time

import pytest

from leatlib import frames, rpc, wait
from leatlib.process import Process, run
from leatlib.rpc import Rpc, RpcError
from leatlib.traffic import Stream

pytestmark = pytest.mark.alone

BURST_STAGES = ["receive", "vlan", "parse", "lookup", "act", "transmit", "release"]
MISS_STAGES = ["decide", "keep"]
ROUND_STAGES = ["notify", "empty", "loop"]
FRAMES = 200


class Measurement:
    """A stats.get with stages_ms on a connection of its own, under way when this is made."""

    def __init__(self, net, ms):
        self.ms, self.rpc = ms, net.keep(Rpc(net.socket))
        self.rpc.send_raw(b'{"jsonrpc": "2.0", "id": 1, "method": "stats.get", "params": '
                          b'{"kinds": ["worker"], "stages_ms": %d}}\n' % ms)
        self.begun = time.monotonic()
        net.call("system.status")  # requests are taken one after the other: it has begun

    def workers(self):
        """The reply's workers; not before its time has passed."""
        reply = self.rpc.read_reply()
        assert time.monotonic() - self.begun >= self.ms / 1000
        return reply["result"]["worker"]

    def worker(self):
        """The only one's stages and sums, which must add up."""
        worker, = self.workers()
        stages, measured = worker["stages"], worker["measured"]
        assert list(stages) == BURST_STAGES[:4] + ["decide"] + BURST_STAGES[4:6] + ["keep"] + \
            ["release"] + ROUND_STAGES
        assert sum(stage["cycles"] for stage in stages.values()) + measured["idle_cycles"] == \
            measured["cycles"]
        for stage in stages.values():
            assert stage["cycles_per_packet"] == pytest.approx(
                stage["cycles"] / stage["packets"] if stage["packets"] else 0)
        return stages, measured


def test_every_packet_is_in_every_stage(net):
    a, b = net.tap("a", bare=True), net.tap("b", bare=True)
    a.raw.send(frames.udp(a, b, "not measured."))
    b.raw.expect(frames.payload_is("not measured."))
    assert "stages" not in net.call("stats.get", kinds=["worker"])["worker"][0]
    measurement = Measurement(net, 3000)
    a.raw.send(frames.udp(a, b, "perhaps in a round that had begun before."))
    b.raw.expect(frames.payload_is("perhaps in a round that had begun before."))
    for number in range(FRAMES):
        a.raw.send(frames.udp(a, b, f"frame {number}."))
    b.raw.expect(frames.payload_is(f"frame {FRAMES - 1}."))
    stages, measured = measurement.worker()
    packets = measured["packets"]
    assert packets in (FRAMES, FRAMES + 1)
    assert measured["packets_per_burst"] == pytest.approx(packets / measured["bursts"])
    for name in BURST_STAGES + ROUND_STAGES:
        assert stages[name]["packets"] == packets, name
    for name in BURST_STAGES:
        assert stages[name]["cycles"] > 0, name
    for name in MISS_STAGES:
        assert stages[name]["packets"] < packets, name  # one flow, which the cache knows
    assert 0 < measured["idle"] < 1

    stages, measured = Measurement(net, 50).worker()
    assert measured["packets"] == 0 and measured["idle"] == 1
    assert not any(stage["cycles"] for stage in stages.values())


def test_two_measure_and_others_go_on(net):
    a, b = net.tap("a"), net.tap("b")
    stream = Stream(a, b, rate=1000)
    long, short = Measurement(net, 3000), Measurement(net, 500)
    long.rpc.send_raw(b'{"jsonrpc": "2.0", "id": 2, "method": "system.ping"}\n')
    for number in range(5):
        net.call("system.ping")
        net.call("group.upsert", id=f"g{number}")
    assert time.monotonic() - long.begun < 3, "they were made to wait"
    _, of_short = short.worker()
    _, of_long = long.worker()
    assert long.rpc.read_reply()["id"] == 2  # behind what came before it
    assert 0 < of_short["packets"] < of_long["packets"]
    # The short one lasts until it is answered, since the other keeps the workers counting.
    assert of_long["cycles"] / 6.5 < of_short["cycles"] < of_long["cycles"] / 2
    stream.assert_lossless()


def test_vhost_and_two_workers(make_switch):
    """Each worker for itself; one of them has all the work."""
    net = make_switch(workers="0,1", memory=256)
    net.network()
    v, w = net.vhost("v"), net.vhost("w")
    sender, receiver = net.peer(v), net.peer(w)
    for host in (v, w):
        wait.until(lambda host=host: net.state_of(host) == "active", 10, host.id)
    measurement = Measurement(net, 3000)
    # The first may come into a round that had begun before.
    for text in ("perhaps", "for certain"):
        sender.transmit(frames.udp(v, w, text + "."))
        receiver.expect(lambda data, text=text: text.encode() in data)
    idle, busy = sorted(worker["measured"]["packets"] for worker in measurement.workers())
    assert idle == 0 and busy in (1, 2)


@pytest.mark.parametrize("ms", [0, -1, 10001, "x", 1.5, None])
def test_bad_times(net, ms):
    with pytest.raises(RpcError) as caught:
        net.call("stats.get", stages_ms=ms)
    assert (caught.value.code, caught.value.path) == (rpc.PARAMS, "/stages_ms")


def test_other_kinds_have_no_stages(net):
    with pytest.raises(RpcError) as caught:
        net.call("stats.get", stages_ms=10, kinds=["port", "drop"])
    assert (caught.value.code, caught.value.path) == (rpc.PARAMS, "/stages_ms")
    assert "worker" in caught.value.message
    assert "stages" in net.call("stats.get", stages_ms=10)["worker"][0]


STAGE_ROW = re.compile(r"^(\w+) +(\d+) +([\d.]+) +([\d.]+) % ?(#*)$", re.M)


def test_worker_show(net):
    a, b = net.tap("a"), net.tap("b")
    stream = Stream(a, b, rate=1000)
    shown = run([net.ctl, "-s", net.socket, "worker", "show", "stages_ms=300"]).stdout
    stream.assert_lossless()
    assert re.search(r"^CPU \d+: \d+ packets, [\d.]+ a burst, [\d.]+ cycles each; "
                     r"[\d.]+ % of all cycles idle$", shown, re.M), shown
    rows = {row[0]: row for row in STAGE_ROW.findall(shown)}
    assert set(BURST_STAGES) <= set(rows), shown
    assert 99 < sum(float(row[3]) for row in rows.values()) < 101
    assert all(abs(len(row[4]) - float(row[3]) * 0.4) <= 0.6 for row in rows.values()), shown
    refused = run([net.ctl, "-s", net.socket, "worker", "show", "stages_ms=10001"], check=False)
    assert refused.returncode == 2 and "stages_ms" in refused.stderr


def test_worker_watch(net):
    watch = net.keep(Process([net.ctl, "-s", net.socket, "worker", "watch", "stages_ms=50"]))
    watch.expect(r"(?s)(CPU NODE.*idle\n.*){3}", 10)
    assert "\033" not in watch.text()
    near, far = pty.openpty()
    with subprocess.Popen([net.ctl, "-s", net.socket, "worker", "watch", "stages_ms=50"],
                          stdout=far) as child:
        os.close(far)
        seen = b""
        while seen.count(b"\033[H\033[J") < 3:
            seen += os.read(near, 65536)
        child.send_signal(signal.SIGINT)
    os.close(near)
    net.call("system.ping")
