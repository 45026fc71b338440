# SPDX-License-Identifier: BSD-3-Clause
"""Two workers on two cores: queues spread over both, and what they share."""
import re

import pytest

from leatlib import books, frames, wait
from leatlib.testpmd import Testpmd
from leatlib.traffic import Stream, iperf3, received_bits_per_second
from leatlib.vhost_peer import VhostPeer
from test_qos import MBIT100, rate_at
from test_vhost import virtio_user

QUEUES = 4
MANY = 20000
RESTARTS = 10
RATE_TOLERANCE = 0.02


@pytest.fixture
def pair(make_switch):
    """A switch with two workers and a network `net`."""
    switch = make_switch(workers="0,1", memory=256)
    switch.network()
    return switch


def wait_polls(switch, queues):
    """Until each worker polls so many; one that sleeps may take the newest snapshot later."""
    wait.until(lambda: [worker["ports"] for worker in switch.call("system.status")["workers"]]
               == [queues, queues], 5, f"{queues} queues on each worker")


def packets(switch):
    """How many frames each worker has received."""
    return [worker["packets"] for worker in switch.call("system.status")["workers"]]


def assert_both_worked(switch, before, at_least=100):
    done = [now - then for now, then in zip(packets(switch), before)]
    assert min(done) >= at_least, f"frames by worker: {done}"


def test_queues_are_spread(pair):
    pair.vhost("v", queues=QUEUES)
    wait_polls(pair, QUEUES // 2)
    hosts = [pair.tap(f"t{number}") for number in range(4)]
    wait_polls(pair, QUEUES // 2 + 2)
    for host in hosts:
        host.delete()
    wait_polls(pair, QUEUES // 2)


@pytest.mark.parametrize("mode", ["server", "client"])
def test_vhost_queues_on_both(pair, mode):
    """All of a sender's queues reach all of a receiver's; nothing is lost uncounted."""
    a, b = pair.vhost("a", mode=mode, queues=QUEUES), pair.vhost("b", mode=mode, queues=QUEUES)
    before = packets(pair)
    sender = pair.keep(Testpmd([virtio_user(a, queues=QUEUES)], "txonly", queues=QUEUES, extra=[
        "--eth-peer", f"0,{b.mac}", f"--tx-ip={a.ip},{b.ip}"]))
    receiver = pair.keep(Testpmd([virtio_user(b, queues=QUEUES)], "rxonly", queues=QUEUES))
    receiver.start()
    sender.start()
    receiver.wait_received(MANY)
    text = sender.command("show port xstats 0")
    sent = [int(n) for n in re.findall(r"tx_q\d+_good_packets: (\d+)", text)]
    assert len(sent) == QUEUES and min(sent) > 0
    total = sender.stop()[0][1]
    wait.until(lambda: pair.port("a")["rx_packets"] == total, 10, "all queues to be counted")
    wait.until(lambda: receiver.stats()[0] == pair.port("b")["tx_packets"], 10,
               "testpmd to take all that was sent to it")
    text = receiver.command("show port xstats 0")
    received = [int(n) for n in re.findall(r"rx_q\d+_good_packets: (\d+)", text)]
    assert sum(count > 0 for count in received) >= 2, f"by queue: {received}"
    assert_both_worked(pair, before)


def test_policy_with_a_direction_on_each(pair):
    """TCP through stateful rules: what one worker let begin the other lets answer."""
    pair.call("group.upsert", id="db", default_action="deny")
    pair.call("group.upsert", id="web")
    pair.call("rule.upsert", id="r", group="db", direction="in", action="allow", proto="tcp",
              port="5201-5210", remote={"group": "web"})
    a, b = pair.tap("a", group="web"), pair.tap("b", group="db")
    wait_polls(pair, 1)
    before = packets(pair)
    for number, options in enumerate(([], ["-R"], ["--bidir"], ["-P", 8])):
        report = iperf3(a, b, *options, seconds=1, port=5201 + number)
        assert received_bits_per_second(report) > 10e6, options
    assert_both_worked(pair, before)
    drops = pair.drops()
    assert not {"default_deny", "rule_deny", "tcp_midstream"} & set(drops), drops
    refused = a.ns.run(["/usr/bin/python3", "-c", KNOCK.format(b.ip)]).stdout
    assert refused.split() == ["ECONNREFUSED"] * 50  # each one's RST came back
    assert pair.drops().get("default_deny", 0) == 0
    assert b.ns.run(["ping", "-c", "1", "-w", "1", a.ip], check=False).returncode != 0
    assert pair.drops()["default_deny"] >= 1


KNOCK = """
import errno, socket
for _ in range(50):
    with socket.socket() as sock:
        sock.settimeout(5)
        print(errno.errorcode[sock.connect_ex(('{}', 5209))])
"""


def test_ports_come_and_go_under_load(pair):
    """Queues change workers again and again while frames run through those that stay."""
    a, b = pair.tap("a"), pair.tap("b")
    v = pair.vhost("v", queues=QUEUES)
    peer = pair.peer(v, queues=QUEUES)
    stream = Stream(a, b, rate=1000)
    raw = a.open_raw()
    for number in range(15):
        t = pair.tap(f"t{number}", bare=True)
        w = pair.vhost(f"w{number}", queues=1 + number % 3)
        guest = VhostPeer(w.socket, queues=1 + number % 3)
        t.raw.send(frames.udp(t, w, f"to a new guest {number}."))
        guest.expect(lambda data, number=number: f"to a new guest {number}.".encode() in data)
        for queue in range(1, 2 * QUEUES, 2):
            peer.transmit(frames.udp(v, a, f"queue {queue} {number}."), queue=queue)
            raw.expect(frames.payload_is(f"queue {queue} {number}."))
        guest.close()
        for host in (t, w):
            host.delete()
    stream.assert_lossless()
    books.assert_books_balance(pair.rpc)


def blast(net, sender, receiver, queues):
    """testpmd at full speed from one vhost port to another, by several queues."""
    receiving = net.keep(Testpmd([virtio_user(receiver)], "rxonly"))
    receiving.start()
    sending = Testpmd([virtio_user(sender, queues=queues)], "txonly", queues=queues, extra=[
        "--eth-peer", f"0,{receiver.mac}", f"--tx-ip={sender.ip},{receiver.ip}", "--txpkts=1000"])
    net.keep(sending).start()


@pytest.mark.alone
@pytest.mark.parametrize("side", ["tx", "rx"])
def test_rate_shared_by_both(pair, side):
    """One bucket for a sender's queues on two workers, and one for a receiver of both."""
    limit = {"qos": {f"{side}_kbps": MBIT100}}
    a = pair.vhost("a", queues=2, **(limit if side == "tx" else {}))
    b = pair.vhost("b", **(limit if side == "rx" else {}))
    before = packets(pair)
    blast(pair, a, b, 2)
    bits, _ = rate_at(pair, b, f"{side}_rate", a if side == "tx" else b)
    assert_both_worked(pair, before, 1000)
    assert abs(bits / (MBIT100 * 1000) - 1) < RATE_TOLERANCE, bits


@pytest.mark.parametrize("mode", ["server", "client"])
def test_peer_with_several_queues_killed_and_back(pair, mode):
    """kill -9 in the middle of a flood; the pair beside it does not lose a datagram."""
    a, b = pair.tap("a"), pair.tap("b")
    v, w = pair.vhost("v", mode=mode, queues=QUEUES), pair.vhost("w", mode=mode)
    stream = Stream(a, b, rate=500)
    for _ in range(RESTARTS):
        peers = []
        try:
            for host, queues in ((v, QUEUES), (w, 1)):
                other = w if host is v else v
                peers.append(Testpmd([virtio_user(host, queues=queues)], "txonly", queues=queues,
                                     extra=["--eth-peer", f"0,{other.mac}",
                                            f"--tx-ip={host.ip},{other.ip}"]))
            for host in (v, w):
                wait.until(lambda host=host: pair.state_of(host) == "active", 10, host.id)
            before = pair.port("v")["rx_packets"]
            for peer in peers:
                peer.start()
            wait.until(lambda: pair.port("v")["rx_packets"] > before + 1000, 10, "a flood")
        finally:
            for peer in peers:
                peer.kill()
        for host in (v, w):
            wait.until(lambda host=host: pair.state_of(host) == "pending", 10, host.id)
    stream.assert_lossless()


def test_memory_shrinks_under_both(pair):
    """A guest with two queues takes its memory away while both workers use it."""
    a = pair.tap("a", bare=True)
    b, c = pair.tap("b"), pair.tap("c")
    v = pair.vhost("v", queues=2)
    stream = Stream(b, c, rate=500)
    for _ in range(5):
        peer = VhostPeer(v.socket, queues=2)
        wait.until(lambda: pair.state_of(v) == "active", 10, "v to be active")
        for queue in (1, 3):
            for slot in range(peer.size):
                peer.desc(queue, slot, 0x10000000 + peer.buffer(queue, slot), 100)
                peer.offer(queue, slot)
        peer.shrink(0)
        for queue in (1, 3):
            peer.kick(queue)
        for _ in range(10):
            a.raw.send(frames.udp(a, v, "into nothing"))
        wait.until(lambda: pair.state_of(v) != "active", 10, "v to be lost")
        peer.close()
    peer = pair.peer(v, queues=2)
    wait.until(lambda: pair.state_of(v) == "active", 10, "v to be active again")
    a.raw.send(frames.udp(a, v, "hello again"))
    peer.expect(lambda data: b"hello again" in data)
    stream.assert_lossless()


def test_one_learned_mac_for_both(pair):
    """What one worker learns the other forwards by."""
    a = pair.tap("a", bare=True)
    b = pair.tap("b", bare=True, ips=[], guard={"spoof": False, "macs": 16})
    up = pair.uplink_tap()
    moved = "02:00:00:00:aa:01"
    b.raw.send(frames.udp(b, a, "here I am", src=moved))
    a.raw.expect(frames.payload_is("here I am"))
    up.drain()
    a.raw.send(frames.udp(a, b, "to whom it concerns", dst=moved))
    b.raw.expect(frames.payload_is("to whom it concerns"))
    assert up.receive_raw(0.2) is None, "it was flooded though it is known"
