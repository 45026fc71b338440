# SPDX-License-Identifier: BSD-3-Clause
"""Raw frames on an interface of a namespace, as scapy packets, VLAN tags where they were."""
import fcntl
import logging
import select
import socket
import struct
import time

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)  # it warns of missing routes
from scapy.layers.inet import IP, UDP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.l2 import ARP, Ether  # noqa: E402
from scapy.packet import Raw  # noqa: E402

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP, PACKET_AUXDATA = 1, 8
PACKET_MR_PROMISC = 1
PACKET_OUTGOING = 4
VLAN_VALID, VLAN_TPID_VALID = 0x10, 0x40
AUXDATA = struct.Struct("IIIHHHH")
SNAP = 70000
BROADCAST = "ff:ff:ff:ff:ff:ff"


class Tap:
    """Sees all that comes in on an interface, and sends what it is given."""

    def __init__(self, namespace, name="eth0"):
        self.sock = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.sock.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        self.sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.sock.bind((name, ETH_P_ALL))
        index = struct.unpack("I", self._index(name))[0]
        self.sock.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP,
                             struct.pack("IHH8s", index, PACKET_MR_PROMISC, 0, b""))
        self.drain()

    def _index(self, name):
        request = struct.pack("16s16x", name.encode())
        return fcntl.ioctl(self.sock, 0x8933, request)[16:20]  # SIOCGIFINDEX

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, packet):
        """Send a scapy packet or bytes as they are."""
        self.sock.send(bytes(packet))

    def receive_raw(self, seconds):
        """The next incoming frame as bytes, or None after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            if not select.select([self.sock], [], [], max(left, 0))[0]:
                return None
            data, ancillary, _, address = self.sock.recvmsg(SNAP, 256)
            if address[2] != PACKET_OUTGOING:
                return _with_tag(data, ancillary)

    def drain(self):
        """Forget what came so far."""
        while self.receive_raw(0) is not None:
            pass

    def expect(self, match, seconds=5):
        """The first incoming frame for which `match(packet)` holds."""
        deadline = time.monotonic() + seconds
        seen = []
        while True:
            data = self.receive_raw(deadline - time.monotonic())
            if data is None:
                raise AssertionError(f"the frame did not come; came: {seen}")
            packet = Ether(data)
            if match(packet):
                return packet
            seen.append(packet.summary())

    def collect(self, match, until_match, seconds=5):
        """The frames with `match` that come before the one with `until_match`."""
        got = []
        deadline = time.monotonic() + seconds
        while True:
            data = self.receive_raw(deadline - time.monotonic())
            assert data is not None, f"the closing frame did not come; came: {got}"
            packet = Ether(data)
            if until_match(packet):
                return got
            if match(packet):
                got.append(packet)


def _with_tag(data, ancillary):
    """The kernel takes the outer VLAN tag out of a received frame and tells it aside."""
    for level, kind, value in ancillary:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, tpid = AUXDATA.unpack(value[:AUXDATA.size])
            if status & VLAN_VALID:
                tpid = tpid if status & VLAN_TPID_VALID else 0x8100
                return data[:12] + struct.pack("!HH", tpid, tci) + data[12:]
    return data


def payload_is(text):
    """A match: the frame carries this payload."""
    wanted = text if isinstance(text, bytes) else text.encode()
    return lambda packet: wanted in bytes(packet)


def udp(src, dst, text, /, sport=4000, dport=5000, **ether):
    """A UDP frame between two hosts (anything with mac, ip or ip6), IPv4 unless both lack one."""
    ether.setdefault("src", src.mac)
    ether.setdefault("dst", dst.mac)
    return (Ether(**ether) / IP(src=src.ip, dst=dst.ip) / UDP(sport=sport, dport=dport)
            / Raw(text.encode() if isinstance(text, str) else text))


def udp6(src, dst, text, /, sport=4000, dport=5000, **ether):
    """As udp(), over IPv6."""
    ether.setdefault("src", src.mac)
    ether.setdefault("dst", dst.mac)
    return (Ether(**ether) / IPv6(src=src.ip6, dst=dst.ip6) / UDP(sport=sport, dport=dport)
            / Raw(text.encode() if isinstance(text, str) else text))


def arp_sentinel(src, dst):
    """An ARP request that no rule judges, to close a series of frames: (frame, match)."""
    frame = (Ether(src=src.mac, dst=dst.mac)
             / ARP(op=1, hwsrc=src.mac, psrc=src.ip, hwdst=dst.mac, pdst="10.1.255.254"))
    return frame, lambda got: ARP in got and got[ARP].pdst == "10.1.255.254"


def crosses(src, dst, *packets):
    """Send frames from one bare host to another; for each, whether it arrived.

    The frames need payloads that tell them apart. An ARP request behind them ends the wait.
    """
    sentinel, is_sentinel = arp_sentinel(src, dst)
    receiver, sender = dst.raw, src.raw
    for packet in packets:
        sender.send(packet)
    sender.send(sentinel)
    got = [bytes(packet) for packet in receiver.collect(lambda _: True, is_sentinel)]
    arrived = [any(bytes(packet[Raw]) in data for data in got) for packet in packets]
    return arrived[0] if len(arrived) == 1 else arrived
