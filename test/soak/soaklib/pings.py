# SPDX-License-Identifier: BSD-3-Clause
"""How long system.ping takes while the switch has its hands full."""
import json
import multiprocessing
import socket
import time

from leatlib import large
from leatlib.pinger import Pinger
from leatlib.rpc import Rpc
from leatlib.switch import Switch
from leatlib.vhost_peer import VhostPeer

PING_MS = 50
RULES, GROUPS = 10000, 20
FLOODERS = 2  # that read what they are told; and as many that never do
CLIENTS = 200
SILENT = 4
GARBAGE_BYTES = 16000  # a line that the io thread parses itself


def _until(seconds):
    """True again and again, for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield True


def _compile(switch, seconds):
    objects = list(large.state(switch, RULES, GROUPS, 0))
    rpc = switch.keep(Rpc(switch.socket, timeout=120))
    for _ in _until(seconds):
        large.resync(rpc, objects)
        large.resync(rpc, [])


def _peer_stalls(switch, seconds):
    """Peers that connect and say nothing, and one that shakes hands and never takes a frame, while
    their endpoints come and go."""
    switch.network(name="stall", vlan=200)
    for number, _ in enumerate(_until(seconds)):
        hosts = [switch.vhost(f"{name}{number}", network="stall", number=1 + (2 * number + i) % 200)
                 for i, name in enumerate(("silent", "idle"))]
        peers = [VhostPeer(hosts[0].socket, handshake=False) for _ in range(SILENT)]
        peers.append(VhostPeer(hosts[1].socket))
        for host in hosts:
            switch.call("endpoint.delete", id=host.id)
        for peer in peers:
            peer.close()


def _flood(path, seconds, reads):
    request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "system.status"}).encode() + b"\n"
    burst = 20 * request + b"[" * GARBAGE_BYTES + b"\n"
    sock = None
    for _ in _until(seconds):
        try:
            if sock is None:
                sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                sock.settimeout(1)
                sock.connect(path)
            sock.sendall(burst)
            if reads:
                sock.recv(1 << 20)
        except OSError:  # not read any more, or dropped: once more on another connection
            sock.close()
            sock = None


def _floods(switch, seconds):
    context = multiprocessing.get_context("fork")
    flooders = [context.Process(target=_flood, args=(switch.socket, seconds, reads))
                for reads in (True, False) for _ in range(FLOODERS)]
    for flooder in flooders:
        flooder.start()
    for flooder in flooders:
        flooder.join(seconds + 30)
        assert not flooder.is_alive(), "a flooder hangs"


def _crowd(switch, seconds):
    clients = [switch.keep(Rpc(switch.socket, timeout=60)) for _ in range(CLIENTS)]
    for _ in _until(seconds):
        for client in clients:
            client.call("system.status")


LOADS = {f"{RULES:,} rules compile": _compile, "vhost-user peers stall": _peer_stalls,
         f"{2 * FLOODERS} clients flood it": _floods, f"{CLIENTS} clients ask": _crowd}


def run(seconds, say):
    """So many seconds of each load; the longest ping of each, in milliseconds."""
    longest = {}
    for name, load in LOADS.items():
        switch = Switch(release=True, workers="1")
        pinger = Pinger(switch.socket)
        try:
            load(switch, seconds)
            count = pinger.answered()
        finally:
            longest[name] = pinger.stop() * 1000
            switch.close()
        say(f"{name:24}  longest ping {longest[name]:5.1f} ms of {count}")
    late = [name for name, ms in longest.items() if ms > PING_MS]
    assert not late, f"a ping took more than {PING_MS} ms while {', '.join(late)}"
    return longest
