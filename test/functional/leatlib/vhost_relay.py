# SPDX-License-Identifier: BSD-3-Clause
"""A container whose interface lies behind a vhost-user port, as that of a VM does."""
import fcntl
import os
import select
import struct
import threading

from leatlib import wait
from leatlib.netns import call_in
from leatlib.vhost_peer import NET_HDR, VhostPeer

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
FRAME_MAX = 2000  # of an MTU of 1500


def _open_tap(namespace, name="eth0"):
    def inside():
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH14x", name.encode(), IFF_TAP | IFF_NO_PI))
        return fd
    return call_in(namespace.path, inside)


class VhostRelay:
    """Takes frames between the kernel of host.ns and the rings of the host's vhost-user port. When
    the switch ends, it connects again, or waits for the switch to do so, by the port's mode."""

    def __init__(self, host):
        self.host, self.running, self.connections = host, True, 0
        self.tap = _open_tap(host.ns)
        host.ns.ip(f"link set eth0 address {host.mac}")
        host.configure(v6=False)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        wait.until(lambda: self.connections, 10, f"the vhost-user handshake of {host.id}")

    def close(self):
        """At once while the switch is there; safe to call twice."""
        if self.running:
            self.running = False
            self.thread.join()
            os.close(self.tap)

    def _run(self):
        while self.running:
            try:
                peer = VhostPeer(self.host.socket, server=self.host.port_spec["mode"] == "client")
            except (AssertionError, OSError):
                continue  # nobody there yet, or gone amid the handshake
            self.connections += 1
            try:
                while self.running and self._turn(peer):
                    pass
            finally:
                peer.close()

    def _turn(self, peer):
        """What there is each way; False: the switch has hung up."""
        ready = select.select([self.tap, peer.sock, peer.calls[0]], [], [], 0.05)[0]
        if self.tap in ready:
            peer.post(os.read(self.tap, FRAME_MAX))
        if peer.calls[0] in ready:
            os.eventfd_read(peer.calls[0])
        while entry := peer.used(0):
            self._to_kernel(peer.take(*entry))
        return peer.sock not in ready

    def _to_kernel(self, data):
        try:
            os.write(self.tap, data[NET_HDR:])
        except OSError:
            pass  # its interface is down
