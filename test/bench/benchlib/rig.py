# SPDX-License-Identifier: BSD-3-Clause
"""What is measured, and paths between two containers for it to be compared with."""
import contextlib
import errno
import os
import signal

from benchlib.book import APP_CPU, SWITCH_CPU
from leatlib import paths
from leatlib.netns import veth_into
from leatlib.process import run
from leatlib.switch import Switch

MEMORY_MB = 256
MEMORY_MILLION_MB = 1024  # for a million connections and cached flows
HUGEPAGES = 2048          # of 2 MB, for all contenders of vhost at once, and a million frames
HUGEPAGES_FILE = "/proc/sys/vm/nr_hugepages"


def first(pid):
    """Put a session's processes before what else the machine does. The scheduler shares cores out
    among sessions first, so their nice values alone say nothing."""
    try:
        with open(f"/proc/{pid}/autogroup", "w", encoding="ascii") as file:
            file.write("-20")
    except FileNotFoundError:
        pass  # a kernel that does not group by session
    except OSError as failed:
        if failed.errno != errno.EINVAL:
            raise
        # init's own session: it has no group whose share could be set


@contextlib.contextmanager
def hugepages(say):
    """As many as are needed, until the end."""
    with open(HUGEPAGES_FILE, encoding="ascii") as file:
        had = int(file.read())
    if had < HUGEPAGES:
        say(f"-- hugepages: {HUGEPAGES} of 2 MB, at the end {had} again")
        _reserve(HUGEPAGES)
    try:
        yield
    finally:
        if had < HUGEPAGES:
            _reserve(had)


def _reserve(pages):
    with open(HUGEPAGES_FILE, "w", encoding="ascii") as file:
        file.write(str(pages))


def start(namespace, argv):
    """A program in a namespace, ended with it."""
    process = namespace.start(argv)
    first(process.pid)
    return process


def switch(memory=MEMORY_MB):
    """leatd with one worker, in a namespace of its own."""
    made = Switch(release=True, workers=str(SWITCH_CPU), memory=memory)
    first(made.pid)
    made.network()
    return made


def on_app_cpu(*argv):
    return ["taskset", "-c", str(APP_CPU), *argv]


OFFLOADS_OFF = "tx off tso off gso off gro off".split()


def bridge(root, hosts, name="kbr", subnet="10.9.0", cpu=None, offloads=True):
    """A kernel bridge in the namespace `root`, and a veth pair to it for each host. Their addresses
    on it. Its work is done on the core of whoever sends, or all of it on `cpu`."""
    root.ip(f"link add {name} type bridge")
    root.ip(f"link set {name} up")
    out = []
    for number, host in enumerate(hosts, 1):
        root.ip(f"link add {name}{number} type veth peer name {name} netns {host.ns.name}")
        root.ip(f"link set {name}{number} master {name} up")
        if cpu is not None:
            _receive_on(root, f"{name}{number}", cpu)
        if not offloads:
            root.run(["ethtool", "-K", f"{name}{number}", *OFFLOADS_OFF])
            host.ns.run(["ethtool", "-K", name, *OFFLOADS_OFF])
        out.append(address(host, name, subnet, number))
    return out


def address(host, interface, subnet, number):
    """Give a host's interface its address, bring it up; the address."""
    host.ns.ip(f"addr add {subnet}.{number}/24 dev {interface}")
    host.ns.ip(f"link set {interface} up")
    return f"{subnet}.{number}"


def macvlan(root, hosts, subnet="10.4.0"):
    """An interface for each host on one parent, in bridge mode. Their addresses."""
    root.ip("link add mvparent type veth peer name mvpeer")
    for link in ("mvparent", "mvpeer"):
        root.ip(f"link set {link} up")
    out = []
    for number, host in enumerate(hosts, 1):
        root.ip(f"link add link mvparent name mv{number} type macvlan mode bridge")
        root.ip(f"link set mv{number} netns {host.ns.name}")
        out.append(address(host, f"mv{number}", subnet, number))
    return out


def xdp_veth(root, namespace, name):
    """A veth pair for AF_XDP: `name` in `namespace`, the near end in `root`, whose name is
    given. What the kernel leaves to a device is off: there is none that would do it."""
    near = veth_into(namespace, name)
    run(["ip", "link", "set", near, "netns", root.name])
    root.ip(f"link set {near} up")
    namespace.run(["ethtool", "-K", name, *OFFLOADS_OFF])
    return near


def link_mac(host, interface):
    """The MAC address that an interface has."""
    words = host.ns.ip(f"-brief link show dev {interface}").stdout.split()
    return words[2]


def af_xdp(net, hosts, name="xdp0", subnet="10.3.0"):
    """An AF_XDP port of leatd for each host, in a network of their own. Their addresses."""
    net.network("xdp", vlan=300)
    out = []
    for number, host in enumerate(hosts, 1):
        near = xdp_veth(net.root, host.ns, name)
        out.append(address(host, name, subnet, number))
        net.call("endpoint.upsert", id=f"{host.id}-xdp", network="xdp", ips=[out[-1]],
                 mac=link_mac(host, name), port={"kind": "af_xdp", "netdev": near})
    return out


def _receive_on(namespace, interface, cpu):
    """What an interface receives is worked on by a core of our choice. Its switch for that is in
    the sysfs of its namespace, which a mount of its own shows."""
    queue = f"/sys/class/net/{interface}/queues/rx-0/rps_cpus"
    namespace.run(["unshare", "--mount", "sh", "-c",
                   f"mount -t sysfs sysfs /sys && echo {1 << cpu:x} >{queue}"])


class PlainLoop:
    """taploop between two hosts; stopped except while it is measured, since it spins."""

    def __init__(self, root, hosts):
        program = os.path.join(paths.BUILD_RELEASE, "test", "bench", "taploop")
        self.process = start(root, ["taskset", "-c", SWITCH_CPU, program, "plain0",
                                    *[host.ns.path for host in hosts]])
        self.process.expect("ready", 10)
        self.addresses = []
        for number, host in enumerate(hosts, 1):
            host.ns.ip(f"addr add 10.8.0.{number}/24 dev plain0")
            host.ns.ip("link set plain0 up")
            self.addresses.append(f"10.8.0.{number}")
        self.pause()

    def pause(self):
        self.process.kill(signal.SIGSTOP)

    @contextlib.contextmanager
    def running(self):
        self.process.kill(signal.SIGCONT)
        try:
            yield
        finally:
            self.pause()
