# SPDX-License-Identifier: BSD-3-Clause
"""Eight greedy containers at one bottleneck, an uplink's capacity or a worker's core: who gets how
much, alike and by weight."""
import contextlib
import signal

from benchlib import rig
from benchlib.outside import FAR_IP, FAR_MAC, NETWORK
from benchlib.scene import by_rings, flood_argv
from leatlib import wait

PART = "fairness"
EIGHT = 8
NS_PER_S = 1_000_000_000
CAPACITY_KBPS = 1_000_000
WEIGHTS = [1, 2, 4, 1, 2, 4, 1, 2]
ALIKE = [1] * EIGHT
SETTLE, SECONDS = 0.5, 2
TCP_SETTLE, TCP_SECONDS = 2, 6
JAIN_WANTED, SHARE_WANTED = 0.99, 0.03


def jain(shares):
    """Jain's index of what each has for its weight: 1 is fair, 1/n is all for one."""
    return sum(shares) ** 2 / (len(shares) * sum(share ** 2 for share in shares))


def worst_share(found, weights):
    """How far the share furthest from its due is off, of that due."""
    return max((had / sum(found) / (weight / sum(weights)) - 1
                for had, weight in zip(found, weights)), key=abs)


def _flood(host, sink, to):
    """leat-flood by a vhost-user endpoint, in frames of 64 bytes to a MAC and an address."""
    return rig.on_app_cpu(*flood_argv("udp", by_rings(host, *to, [host.socket, sink.socket])))


def _weigh(net, hosts, weights):
    for host, weight in zip(hosts, weights):
        net.endpoint(host, host.port_spec, NETWORK, qos={"weight": weight})


def _grown(net, count, settle, seconds):
    """By how much counters grow in a time: count() is the time, and a list of them."""
    def passed(length):
        return wait.window(lambda: count(net), length * NS_PER_S, 60, "some time to pass")
    passed(settle)
    (_, before), (_, after) = passed(seconds)
    return [now - was for now, was in zip(after, before)]


def _uplink_bytes(hosts):
    def count(net):
        stats = net.call("stats.get", kinds=["uplink"])
        shares = stats["uplink"]["up0"]["capacity"]["shares"]
        return stats["ts_ns"], [shares[host.id]["sent_bytes"] for host in hosts]
    return count


def _port_frames(hosts):
    def count(net):
        stats = net.call("stats.get", kinds=["port"])
        return stats["ts_ns"], [stats["port"][host.id]["rx_packets"] for host in hosts]
    return count


@contextlib.contextmanager
def _running(namespace, commands, ready):
    processes = [rig.start(namespace(i), ["stdbuf", "-oL", *argv])
                 for i, argv in enumerate(commands)]
    try:
        for process in processes:
            process.expect(ready, 20)
        yield
    finally:
        for process in processes:
            process.kill(signal.SIGTERM)
        for process in processes:
            process.wait(10)


def _shares(book, words, net, hosts, grown):
    """Alike, then by weight; Jain's index and the worst share."""
    for weights, way in ((ALIKE, "alike"), (WEIGHTS, "weights 1:2:4")):
        _weigh(net, hosts, weights)
        book.look()
        found = grown()
        book.look_again()
        index = jain([had / weight for had, weight in zip(found, weights)])
        worst = worst_share(found, weights)
        name = f"eight at {words}, {way}"
        book.say(f"   {name}: " + ", ".join(f"{had / sum(found):.3f}" for had in found) +
                 f"; Jain's index {index:.4f}, worst share {worst:+.1%} of its due")
        book.metric(PART, f"{name}: Jain", "index", "higher")
        book.add(PART, name, 1, {f"{name}: Jain": index})
        if weights is ALIKE:
            book.target(f"{name}: Jain's index at least {JAIN_WANTED}", f"{index:.4f}",
                        index >= JAIN_WANTED)
        else:
            book.target(f"{name}: shares within {SHARE_WANTED:.0%}", f"{worst:+.1%}",
                        abs(worst) <= SHARE_WANTED)


def _floods(net):
    """Eight vhost-user endpoints that flood, and one for each that takes what arrives."""
    net.network(NETWORK, vlan=None)
    return [[net.vhost(f"{name}{i}", network=NETWORK) for i in range(EIGHT)]
            for name in ("loud", "sink")]


def _worker(book):
    """Between vhost-user ports, as fast as one core goes."""
    with contextlib.closing(rig.switch()) as net:
        hosts, sinks = _floods(net)
        floods = [_flood(host, sink, (sink.mac, sink.ip)) for host, sink in zip(hosts, sinks)]
        with _running(lambda _: net.root, floods, "sending"):
            _shares(book, "a worker, 64-byte floods", net, hosts,
                    lambda: _grown(net, _port_frames(hosts), SETTLE, SECONDS))


def _uplink_floods(book):
    """Into an uplink whose device takes anything."""
    with contextlib.closing(rig.switch()) as net:
        net.call("uplink.upsert", id="up0", capacity_kbps=CAPACITY_KBPS,
                 device={"kind": "dpdk", "devargs": "net_null0,no-rx=1"})
        hosts, drain = _floods(net)
        floods = [_flood(host, sink, (FAR_MAC, FAR_IP))
                  for host, sink in zip(hosts, drain)]
        with _running(lambda _: net.root, floods, "sending"):
            _shares(book, "an uplink of 1 Gb/s, 64-byte floods", net, hosts,
                    lambda: _grown(net, _uplink_bytes(hosts), SETTLE, SECONDS))


def _open_outside(net):
    """The uplink is a TAP whose far end is the switch's namespace, untagged: the host outside."""
    net.network(NETWORK, vlan=None)
    net.uplink(capacity_kbps=CAPACITY_KBPS)
    net.root.ip(f"addr add {FAR_IP}/16 dev up0")


def _uplink_tcp(book):
    """iperf3 of eight containers to a host behind the uplink."""
    with contextlib.closing(rig.switch()) as net:
        _open_outside(net)
        hosts = [net.tap(f"tcp{i}", network=NETWORK) for i in range(EIGHT)]
        for i in range(EIGHT):
            listener = rig.start(net.root, rig.on_app_cpu("iperf3", "-s", "--forceflush", "-p",
                                                          5201 + i))
            listener.expect("Server listening", 10)
        clients = [rig.on_app_cpu("iperf3", "-c", FAR_IP, "-p", 5201 + i, "-t", 60)
                   for i in range(EIGHT)]
        with _running(lambda i: hosts[i].ns, clients, "connected"):
            _shares(book, "an uplink of 1 Gb/s, TCP", net, hosts,
                    lambda: _grown(net, _uplink_bytes(hosts), TCP_SETTLE, TCP_SECONDS))


def run(book, _rounds, _options):
    """A share is right or it is not: one round."""
    book.say(f"== {PART}: eight that want all of one bottleneck")
    with rig.hugepages(book.say):
        _worker(book)
        _uplink_floods(book)
        _uplink_tcp(book)
