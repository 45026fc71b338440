# SPDX-License-Identifier: BSD-3-Clause
"""A packet: what the model reasons about, what policy.trace is told, and the bytes of a frame."""
import struct
from dataclasses import dataclass, replace

ICMP, TCP, UDP, ICMP6, SCTP = 1, 6, 17, 58, 132
WITH_PORTS = (TCP, UDP, SCTP)
FLAG_BITS = {"syn": 0x02, "rst": 0x04, "ack": 0x10}
ECHO_REQUEST = {ICMP: 8, ICMP6: 128}
BROADCAST = "ff:ff:ff:ff:ff:ff"
TOKEN = struct.Struct("!4sI")
FRAGMENT_BYTES = 32  # of a datagram that its first fragment carries


@dataclass(frozen=True)
class Packet:
    port: str  # the id of the endpoint or uplink it comes in by
    network: str
    vlan: int  # on an uplink, else 0
    src_mac: str
    dst_mac: str
    src: object  # ipaddress
    dst: object
    proto: int
    sport: int = 0
    dport: int = 0
    flags: frozenset = frozenset()
    icmp_type: int = 0
    ident: int = 0
    fragment: str = ""  # "first" or "later"
    fragment_id: int = 0
    about: object = None  # the packet that an ICMP error is about

    @property
    def version(self):
        return self.src.version

    def turned(self, port, **fields):
        """What the receiver at `port` would answer."""
        return replace(self, port=port, src_mac=self.dst_mac, dst_mac=self.src_mac, src=self.dst,
                       dst=self.src, sport=self.dport, dport=self.sport, **fields)


def trace_params(p, uplink):
    """As policy.trace wants it described."""
    packet = {"src_mac": p.src_mac, "dst_mac": p.dst_mac, "src_ip": str(p.src),
              "dst_ip": str(p.dst), "proto": p.proto}
    if p.vlan:
        packet["vlan"] = p.vlan
    if p.proto in WITH_PORTS:
        packet.update(src_port=p.sport, dst_port=p.dport)
    if p.proto in (ICMP, ICMP6):
        packet["icmp_type"] = p.icmp_type
    if p.proto == TCP:
        packet["tcp_flags"] = ",".join(flag for flag in ("syn", "ack") if flag in p.flags)
    return {"uplink" if uplink else "endpoint": p.port, "packet": packet}


def _mac(text):
    return bytes.fromhex(text.replace(":", ""))


def _transport(p):
    """The header behind IP, checksums left at 0: the switch does not judge by them."""
    if p.proto == TCP:
        bits = sum(FLAG_BITS[flag] for flag in p.flags)
        return struct.pack("!HHIIBBHHH", p.sport, p.dport, 0, 0, 0x50, bits, 0xffff, 0, 0)
    if p.proto == UDP:
        return struct.pack("!HHHH", p.sport, p.dport, 16, 0)
    if p.proto == SCTP:
        return struct.pack("!HHII", p.sport, p.dport, 0, 0)
    if p.proto in (ICMP, ICMP6):
        return struct.pack("!BBHHH", p.icmp_type, 0, 0, p.ident, 0)
    return bytes(8)


def _ip(p, payload):
    """With the header of its version, and of a fragment."""
    offset, more = (FRAGMENT_BYTES // 8, 0) if p.fragment == "later" else (0, p.fragment == "first")
    if p.version == 4:
        return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), p.fragment_id,
                           0x2000 * more | offset, 64, p.proto, 0, p.src.packed,
                           p.dst.packed) + payload
    if p.fragment:
        payload = struct.pack("!BBHI", p.proto, 0, offset << 3 | more, p.fragment_id) + payload
    return struct.pack("!IHBB16s16s", 0x60000000, len(payload), 44 if p.fragment else p.proto, 64,
                       p.src.packed, p.dst.packed) + payload


def _ethernet(p, ethertype):
    tag = struct.pack("!HH", 0x8100, p.vlan) if p.vlan else b""
    return _mac(p.dst_mac) + _mac(p.src_mac) + tag + struct.pack("!H", ethertype)


def frame(p, number):
    """Its bytes; the last ones are a token made of `number`."""
    token = TOKEN.pack(b"leat", number)
    payload = b"" if p.fragment == "later" else _transport(p)
    if p.about is not None:
        payload += _ip(p.about, _transport(p.about))
    if p.fragment == "first":
        payload = payload.ljust(FRAGMENT_BYTES - len(token), b"f")
    return _ethernet(p, 0x0800 if p.version == 4 else 0x86dd) + _ip(p, payload + token)


def closing_frame(port, vlan, mac, address, number):
    """An ARP request to all, which no rule judges."""
    p = Packet(port, "", vlan, mac, BROADCAST, address, address, 0)
    arp = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, _mac(mac), address.packed, bytes(6),
                      address.packed)
    return _ethernet(p, 0x0806) + arp + TOKEN.pack(b"stop", number)
