# SPDX-License-Identifier: BSD-3-Clause
"""A memif client in Python, whose every byte a test can choose.

Messages and layout: memif 2.0, as in DPDK's drivers/net/memif/memif.h.
"""
import fcntl
import mmap
import os
import socket
import struct

from leatlib import wait

ACK, HELLO, INIT, ADD_REGION, ADD_RING, CONNECT, CONNECTED, DISCONNECT = range(1, 9)
MESSAGE = 128
VERSION = 0x0200
COOKIE = 0x3E31F20
C2S = 1
NEXT = 1
MASK_INT = 1
DESC = struct.Struct("<HHIII")  # flags, region, length, offset, metadata
FLAGS, HEAD, TAIL, DESCS = 4, 6, 64, 128
SLOTS_LOG2 = 8
SLOTS = 1 << SLOTS_LOG2
RING = {"c2s": 0, "s2c": 0x2000}
BUFFERS = {"c2s": 0x10000, "s2c": 0x90000}
BUFFER = 2048
MEMORY = 2 << 20
F_ADD_SEALS, F_SEAL_SHRINK = 1033, 2


class MemifPeer:
    """One client. With `handshake` False only the connection is made."""

    def __init__(self, path, number=0, handshake=True):
        self.number = number
        self.fd = os.memfd_create("client", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
        os.ftruncate(self.fd, MEMORY)
        self.memory = mmap.mmap(self.fd, MEMORY)
        self.words = memoryview(self.memory).cast("H")  # struct.pack_into() writes zeros first
        self.calls = {"c2s": os.eventfd(0, os.EFD_NONBLOCK), "s2c": os.eventfd(0, os.EFD_NONBLOCK)}
        self.head = {"c2s": 0, "s2c": 0}
        self.tail = 0  # of s2c: what we have taken
        for ring, at in RING.items():
            struct.pack_into("<I", self.memory, at, COOKIE)
            for slot in range(SLOTS):
                self.desc(ring, slot, BUFFER)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.connect(path)  # blocking: where the queue is full it waits
        self.sock.settimeout(10)
        if handshake:
            self.handshake()

    def close(self):
        """Hang up and give everything back; safe to call twice."""
        if self.sock is None:
            return
        self.sock.close()
        self.words.release()
        self.memory.close()
        for fd in [self.fd, *self.calls.values()]:
            os.close(fd)
        self.sock = None

    # Messages

    def send(self, kind, payload=b"", fds=(), size=MESSAGE):
        """One message; `size` may lie."""
        data = (struct.pack("<H", kind) + payload).ljust(max(MESSAGE, size), b"\0")[:size]
        if fds:
            socket.send_fds(self.sock, [data], fds)
        else:
            self.sock.send(data)

    def expect(self, kind):
        """The payload of the next message, which must be of that kind."""
        data = self.sock.recv(MESSAGE)
        assert data, "the switch hung up"
        got = struct.unpack_from("<H", data)[0]
        assert got == kind, f"message {got} instead of {kind}: {data[2:]}"
        return data[2:]

    def reason(self):
        """The switch ends the connection; what it says in its DISCONNECT."""
        text = self.expect(DISCONNECT)[4:].split(b"\0")[0].decode()
        assert self.hung_up()
        return text

    def hung_up(self, seconds=5):
        """True once the switch has closed the connection."""
        self.sock.settimeout(seconds)
        try:
            while self.sock.recv(MESSAGE):
                pass
            return True
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def init(self, version=VERSION, mode=0):
        self.send(INIT, struct.pack("<HIB", version, self.number, mode))

    def seal(self):
        fcntl.fcntl(self.fd, F_ADD_SEALS, F_SEAL_SHRINK)

    def add_region(self, index=0, size=MEMORY, fds=None):
        self.send(ADD_REGION, struct.pack("<HQ", index, size), [self.fd] if fds is None else fds)

    def add_ring(self, ring, index=0, region=0, offset=None, log2=SLOTS_LOG2, fds=None):
        self.send(ADD_RING, struct.pack("<HHHIBH", C2S if ring == "c2s" else 0, index, region,
                                        RING[ring] if offset is None else offset, log2, 0),
                  [self.calls[ring]] if fds is None else fds)

    def begin(self):
        """Up to the first acknowledgement."""
        self.expect(HELLO)
        self.init()
        self.expect(ACK)

    def add_rings(self):
        self.seal()
        self.add_region()
        self.expect(ACK)
        for ring in RING:
            self.add_ring(ring)
            self.expect(ACK)

    def handshake(self):
        self.begin()
        self.add_rings()
        self.send(CONNECT)
        self.expect(CONNECTED)
        self.set_index("s2c", SLOTS)

    # Rings

    def desc(self, ring, slot, length, flags=0, region=0, offset=None):
        """Write a descriptor; `offset` as the switch is to believe it."""
        where = RING[ring] + DESCS + (slot % SLOTS) * DESC.size
        if offset is None:
            offset = BUFFERS[ring] + (slot % SLOTS) * BUFFER
        DESC.pack_into(self.memory, where, flags, region, length, offset, 0)

    def set_index(self, ring, index):
        """Our own index of a ring, its head."""
        self.head[ring] = index & 0xFFFF
        self.words[(RING[ring] + HEAD) // 2] = self.head[ring]

    def its_index(self, ring):
        return self.words[(RING[ring] + TAIL) // 2]

    def call(self):
        """Tell the switch, if it asks for that."""
        if not struct.unpack_from("<H", self.memory, RING["c2s"] + FLAGS)[0] & MASK_INT:
            os.eventfd_write(self.calls["c2s"], 1)

    def transmit(self, frame, piece=BUFFER):
        """Send a frame in slots of at most `piece` bytes, and wait until it has been taken."""
        data = bytes(frame)
        slot = self.head["c2s"]
        for at in range(0, len(data), piece):
            part = data[at:at + piece]
            offset = BUFFERS["c2s"] + (slot % SLOTS) * BUFFER
            self.memory[offset:offset + len(part)] = part
            self.desc("c2s", slot, len(part), NEXT if at + piece < len(data) else 0)
            slot += 1
        self.set_index("c2s", slot)
        self.call()
        wait.until(lambda: self.its_index("c2s") == self.head["c2s"], 5, "a frame to be taken")

    def receive(self, seconds=5):
        """The next frame, or None; its slots are offered again."""
        try:
            wait.until(lambda: self.its_index("s2c") != self.tail, seconds, "a frame")
        except AssertionError:
            return None
        data, flags = b"", NEXT
        while flags & NEXT:
            slot = self.tail % SLOTS
            flags, _, length, _, _ = DESC.unpack_from(
                self.memory, RING["s2c"] + DESCS + slot * DESC.size)
            offset = BUFFERS["s2c"] + slot * BUFFER
            data += self.memory[offset:offset + length]
            self.desc("s2c", slot, BUFFER)
            self.tail = (self.tail + 1) & 0xFFFF
        self.set_index("s2c", self.tail + SLOTS)
        return data

    def expect_frame(self, match, seconds=5):
        """The first frame for which match(bytes) holds."""
        for _ in range(10000):
            got = self.receive(seconds)
            assert got is not None, "the frame did not come"
            if match(got):
                return got
        raise AssertionError("10000 other frames came instead")
