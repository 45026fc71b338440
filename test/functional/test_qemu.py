# SPDX-License-Identifier: BSD-3-Clause
"""Linux in QEMU with its own virtio-net driver, against TAP containers."""
import signal

import pytest

from leatlib import wait
from leatlib.qemu import Guest
from leatlib.traffic import checksum_errors

LARGER_THAN_CUT = 1600  # bytes: no frame of an MTU of 1500 is


def watch_for_large(namespace):
    """A capture that ends with the first frame that was not cut."""
    watcher = namespace.start(["tcpdump", "-i", "eth0", "-nn", "-c", "1", "-l", "-Q", "in",
                               "greater", str(LARGER_THAN_CUT)])
    watcher.expect("listening on", 10)
    return watcher


@pytest.fixture(params=["client", "server"])
def guest(request, net):
    """A booted guest on a vhost-user port, addresses set, and a container `net.c`."""
    net.v = net.vhost("v", v6=True, mode=request.param)
    net.c = net.tap("c", v6=True)
    nic = {"socket": net.v.socket, "mac": net.v.mac, "server": request.param == "client"}
    guest = net.keep(Guest([nic]))
    guest.run(f"ip addr add {net.v.ip}/16 dev eth0; ip link set eth0 up;"
              f"echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad;"
              f"ip -6 addr add {net.v.ip6}/64 dev eth0")
    wait.until(lambda: net.state_of(net.v) == "active", 15, "the guest's port to be active")
    return guest


def test_ping(net, guest):
    net.c.ping(net.v)
    net.c.ping6(net.v)
    guest.run(f"ping -c 3 -W 3 {net.c.ip}")
    guest.run(f"ping6 -c 3 -W 3 {net.c.ip6}")


def sum_of(stream):
    return stream.expect(r"[0-9a-f]{32}", 60).group(0)


def test_tcp_to_container_with_large_segments(net, guest):
    """The guest's 64 KB segments cross whole, and what arrives is what was sent."""
    receiver = net.c.ns.start(["/usr/bin/python3", "-u", "-c", f"""
import hashlib, socket
s = socket.create_server(('{net.c.ip}', 7001))
print('listening')
c, _ = s.accept()
h = hashlib.md5()
while d := c.recv(1 << 20): h.update(d)
print(h.hexdigest())
"""])
    receiver.expect("listening", 10)
    guest.run("dd if=/dev/urandom of=/tmp/file bs=64k count=320", 60)
    wanted = guest.run("md5sum /tmp/file").split()[0]
    watcher = watch_for_large(net.c.ns)
    guest.run(f"nc {net.c.ip} 7001 </tmp/file", 60)
    assert sum_of(receiver) == wanted
    watcher.expect("1 packet captured", 10)
    assert not checksum_errors(net.c)


def test_tcp_to_guest_with_large_segments(net, guest):
    guest.run("nc -l -p 7002 >/tmp/got &")
    wait.until(lambda: ":7002" in guest.run("netstat -ltn"), 10, "nc in the guest to listen")
    sender = net.c.ns.start(["/usr/bin/python3", "-u", "-c", f"""
import hashlib, os, socket
s = socket.create_connection(('{net.v.ip}', 7002), 5)
h = hashlib.md5()
for _ in range(320):
    d = os.urandom(65536); h.update(d); s.sendall(d)
s.close()
print(h.hexdigest())
"""])
    wanted = sum_of(sender)
    assert guest.run("wait; md5sum /tmp/got", 60).split()[0] == wanted
    stats = net.v.stats()
    assert stats["tx_bytes"] / stats["tx_packets"] > LARGER_THAN_CUT


def test_guest_driver_unloaded_and_back(net, guest):
    """The driver resets the device and sets it up again; the port follows."""
    net.c.ping(net.v)
    guest.run("rmmod virtio_net; insmod /lib/modules/virtio_net.ko")
    guest.run(f"ip link set eth0 up; ip addr add {net.v.ip}/16 dev eth0")
    net.c.ping(net.v)


def test_switch_killed_and_back(net, guest):
    """kill -9 of the switch under a guest that goes on: it comes back, whoever of them listens."""
    for _ in range(3):
        net.c.ping(net.v)
        net.rpc.close()
        net.process.kill(signal.SIGKILL)
        net.start()
        net.network()
        net.endpoint(net.v, net.v.port_spec, v6=True)
        net.endpoint(net.c, net.c.port_spec, v6=True)
        net.c.configure(v6=True)
        wait.until(lambda: net.state_of(net.v) == "active", 15, "the guest's port to be active")
