# SPDX-License-Identifier: BSD-3-Clause
"""A vhost-user front end in Python, whose every byte a test can choose.

Messages: QEMU's docs/interop/vhost-user.rst. Rings: virtio 1.1, section 2.6 (split virtqueues).
"""
import array
import mmap
import os
import select
import socket
import struct

from leatlib import wait

GET_FEATURES, SET_FEATURES, SET_OWNER, SET_MEM_TABLE = 1, 2, 3, 5
SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE, GET_VRING_BASE = 8, 9, 10, 11
SET_VRING_KICK, SET_VRING_CALL, GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES = 12, 13, 15, 16
SET_VRING_ENABLE = 18

F_CSUM, F_GUEST_CSUM, F_MRG_RXBUF = 1 << 0, 1 << 1, 1 << 15
F_GUEST_TSO4, F_GUEST_TSO6, F_HOST_TSO4, F_HOST_TSO6 = 1 << 7, 1 << 8, 1 << 11, 1 << 12
F_INDIRECT, F_EVENT_IDX, F_PROTOCOL, F_VERSION_1 = 1 << 28, 1 << 29, 1 << 30, 1 << 32
F_IN_ORDER = 1 << 35
DESC_NEXT, DESC_WRITE, DESC_INDIRECT = 1, 2, 4

VERSION = 1
HEADER = struct.Struct("<III")
DESC = struct.Struct("<QIHH")
NET_HDR = 12
GUEST_BASE = 0x1000_0000       # guest-physical address of our memory
USER_BASE = 0x7F00_0000_0000   # the address we claim to have mapped it at
QUEUE_STRIDE = 0x10000
AVAIL, USED = 0x6000, 0x8000
BUFFERS, BUFFER_SIZE = 0x100000, 2048
MEMORY = 16 << 20


class VhostPeer:
    """One virtio-net device of `queues` pairs: even queues receive, odd ones send.

    `server`: we listen on the path and the switch connects. With `handshake` False only the
    connection is made. `calls`: what to give as call descriptors, which become ours to close.
    """

    def __init__(self, path, server=False, queues=1, size=256, features=F_MRG_RXBUF | F_INDIRECT,
                 handshake=True, fill=True, calls=None):
        self.path, self.queues, self.size = path, queues, size
        self.wanted = features | F_VERSION_1 | F_PROTOCOL
        self.fd = os.memfd_create("guest")
        os.ftruncate(self.fd, MEMORY)
        self.memory = mmap.mmap(self.fd, MEMORY)
        self.words = memoryview(self.memory).cast("H")  # struct.pack_into() writes zeros first
        self.kicks = [os.eventfd(0) for _ in range(2 * queues)]
        self.calls = calls or [os.eventfd(0, os.EFD_NONBLOCK) for _ in range(2 * queues)]
        self.seen = [0] * (2 * queues)   # used entries taken
        self.next = [0] * (2 * queues)   # our avail index
        self.listener = None
        self.sock = self._accept() if server else self._connect()
        self.sock.settimeout(10)
        if handshake:
            self.handshake()
            if fill:
                self.fill_receive()

    def _connect(self):
        def attempt():
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                sock.connect(self.path)
                return sock
            except (ConnectionRefusedError, FileNotFoundError):
                sock.close()
                return None
        return wait.until(attempt, 10, f"somebody to listen on {self.path}")

    def _accept(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen(1)
        self.listener.settimeout(15)
        return self.listener.accept()[0]

    def close(self):
        """Hang up and give everything back; safe to call twice."""
        for sock in (self.sock, self.listener):
            if sock:
                sock.close()
        for fd in self.kicks + self.calls + ([self.fd] if self.fd is not None else []):
            os.close(fd)
        self.kicks, self.calls, self.fd = [], [], None
        self.sock = self.listener = None

    # Messages

    def send(self, request, payload=b"", fds=(), flags=VERSION, size=None):
        """One message; `size` and `flags` may lie."""
        header = HEADER.pack(request, flags, len(payload) if size is None else size)
        ancillary = []
        if fds:
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
        self.sock.sendmsg([header + payload], ancillary)

    def ask(self, request, payload=b""):
        """A message with a reply; its payload."""
        self.send(request, payload)
        header = self._receive_exactly(HEADER.size)
        got, _, size = HEADER.unpack(header)
        assert got == request, f"reply to {got} instead of {request}"
        return self._receive_exactly(size)

    def _receive_exactly(self, size):
        data = b""
        while len(data) < size:
            part = self.sock.recv(size - len(data))
            assert part, "the switch hung up on its vhost-user peer"
            data += part
        return data

    def hung_up(self, seconds=5):
        """True once the switch has closed the connection, waiting at most so long."""
        self.sock.settimeout(seconds)
        try:
            while self.sock.recv(4096):
                pass
            return True
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def handshake(self):
        """Everything up to enabled rings."""
        offered = struct.unpack("<Q", self.ask(GET_FEATURES))[0]
        self.features = offered & self.wanted
        assert self.features & F_VERSION_1, "the switch does not offer virtio 1"
        self.ask(GET_PROTOCOL_FEATURES)
        self.send(SET_PROTOCOL_FEATURES, struct.pack("<Q", 1))  # MQ
        self.send(SET_OWNER)
        self.send(SET_FEATURES, struct.pack("<Q", self.features))
        self.set_memory()
        for queue in range(2 * self.queues):
            self.set_ring(queue)
        for queue in range(2 * self.queues):
            self.send(SET_VRING_ENABLE, struct.pack("<II", queue, 1))
        self.ask(GET_FEATURES)  # answered in order: all of it has arrived

    def set_memory(self, size=MEMORY, base=GUEST_BASE, user=USER_BASE, offset=0):
        self.send(SET_MEM_TABLE, struct.pack("<IIQQQQ", 1, 0, base, size, user, offset), [self.fd])

    def set_ring(self, queue, base=0):
        start = USER_BASE + queue * QUEUE_STRIDE
        self.send(SET_VRING_NUM, struct.pack("<II", queue, self.size))
        self.send(SET_VRING_BASE, struct.pack("<II", queue, base))
        self.send(SET_VRING_ADDR, struct.pack("<IIQQQQ", queue, 0, start, start + USED,
                                              start + AVAIL, 0))
        self.send(SET_VRING_CALL, struct.pack("<Q", queue), [self.calls[queue]])
        self.send(SET_VRING_KICK, struct.pack("<Q", queue), [self.kicks[queue]])

    # Rings

    def buffer(self, queue, slot):
        """Offset in our memory of a slot's own buffer."""
        return BUFFERS + (queue * self.size + slot) * BUFFER_SIZE

    def desc(self, queue, slot, address, length, flags=0, following=0):
        """Write a descriptor; the address as the guest means it."""
        DESC.pack_into(self.memory, queue * QUEUE_STRIDE + slot * DESC.size, address, length,
                       flags, following)

    def offer(self, queue, head):
        """Put a chain into the available ring."""
        ring = queue * QUEUE_STRIDE + AVAIL
        struct.pack_into("<H", self.memory, ring + 4 + 2 * (self.next[queue] % self.size), head)
        self.set_avail(queue, self.next[queue] + 1)

    def set_avail(self, queue, index):
        self.next[queue] = index & 0xFFFF
        self.words[(queue * QUEUE_STRIDE + AVAIL + 2) // 2] = self.next[queue]

    def kick(self, queue):
        os.eventfd_write(self.kicks[queue], 1)

    def called(self, queue, seconds=5):
        """Wait for a call on a queue and take it; how many there were."""
        if not select.select([self.calls[queue]], [], [], seconds)[0]:
            return 0
        return os.eventfd_read(self.calls[queue])

    def want_call(self, queue):
        """With the event index: a call at the next used entry, please (virtio 1.2, 2.7.7.1)."""
        self.words[(queue * QUEUE_STRIDE + AVAIL + 4) // 2 + self.size] = self.seen[queue]

    def used(self, queue):
        """The next used entry as (head, length), or None."""
        ring = queue * QUEUE_STRIDE + USED
        index = self.words[(ring + 2) // 2]
        if self.seen[queue] == index:
            return None
        entry = struct.unpack_from("<II", self.memory,
                                   ring + 4 + 8 * (self.seen[queue] % self.size))
        self.seen[queue] = (self.seen[queue] + 1) & 0xFFFF
        return entry

    def fill_receive(self):
        """Offer a buffer for each slot of each receive queue."""
        for queue in range(0, 2 * self.queues, 2):
            for slot in range(self.size):
                self.desc(queue, slot, GUEST_BASE + self.buffer(queue, slot), BUFFER_SIZE,
                          DESC_WRITE)
                self.offer(queue, slot)
            self.kick(queue)

    def transmit(self, frame, header=bytes(NET_HDR), queue=1):
        """Send one frame in one descriptor and wait until the switch has taken it."""
        self._put(frame, header, queue)
        wait.until(lambda: self.used(queue), 5, "a sent frame to be taken")

    def post(self, frame, header=bytes(NET_HDR), queue=1):
        """Send one frame and go on at once. False: the switch has left no descriptor free."""
        while self.used(queue):
            pass
        if (self.next[queue] - self.seen[queue]) & 0xFFFF >= self.size:
            return False
        self._put(frame, header, queue)
        return True

    def _put(self, frame, header, queue):
        slot = self.next[queue] % self.size
        data = header + bytes(frame)
        assert len(data) <= BUFFER_SIZE
        offset = self.buffer(queue, slot)
        self.memory[offset:offset + len(data)] = data
        self.desc(queue, slot, GUEST_BASE + offset, len(data))
        self.offer(queue, slot)
        self.kick(queue)

    def receive(self, seconds=5, queue=0):
        """The next received frame (header and frame) or None; its buffers are offered again."""
        try:
            head, length = wait.until(lambda: self.used(queue), seconds, "a frame")
        except AssertionError:
            return None
        data = self._take(queue, head, length)
        header, frame = data[:NET_HDR], data[NET_HDR:]
        for _ in range(struct.unpack_from("<H", header, 10)[0] - 1):  # num_buffers
            head, length = wait.until(lambda: self.used(queue), 1, "the rest of a frame")
            frame += self._take(queue, head, length)
        return header, frame

    def take(self, head, length, queue=0):
        """Header and frame of a used entry whose frame has one buffer, which is offered again."""
        return self._take(queue, head, length)

    def _take(self, queue, head, length):
        offset = self.buffer(queue, head)
        data = self.memory[offset:offset + length]
        self.offer(queue, head)
        self.kick(queue)
        return data

    def expect(self, match, seconds=5, queue=0):
        """The first received frame for which match(bytes) holds."""
        for _ in range(10000):
            got = self.receive(seconds, queue)
            assert got is not None, "the frame did not come"
            if match(got[1]):
                return got
        raise AssertionError("10000 other frames came instead")

    def shrink(self, size=0):
        """Take the memory away under the switch, as a hostile guest can."""
        os.ftruncate(self.fd, size)
