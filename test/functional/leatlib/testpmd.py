# SPDX-License-Identifier: BSD-3-Clause
"""dpdk-testpmd as the peer of vhost-user ports (a virtio-user front end on each) or memif ports."""
import os
import re
import signal

from leatlib import wait
from leatlib.process import Process

PROMPT = "testpmd> "
START_SECONDS = 30


def virtio_user(host, mac=None, queues=1):
    """The testpmd port for a vhost-user endpoint."""
    fields = {"path": host.socket, "mac": mac or host.mac, "queues": queues}
    if host.port_spec["mode"] == "client":
        fields["server"] = 1
        if os.path.exists(host.socket):  # of a peer that was killed: testpmd does not take it over
            os.unlink(host.socket)
    return fields


class Testpmd:
    """An interactive testpmd on one CPU. `ports` is a list of dicts of the driver's arguments."""
    __test__ = False  # no test class, whatever its name

    def __init__(self, ports, forward=None, extra=(), queues=1, cpu=0, driver="net_virtio_user"):
        argv = ["stdbuf", "-oL", "dpdk-testpmd", "--lcores", f"(0,1)@{cpu}", "--in-memory",
                "--single-file-segments", "-m", "64", "--no-pci", "--no-telemetry"]
        for number, fields in enumerate(ports):
            devargs = ",".join(f"{key}={value}" for key, value in fields.items())
            argv.append(f"--vdev={driver}{number},{devargs}")
        argv += ["--", "-i", "--total-num-mbufs=8192", f"--rxq={queues}", f"--txq={queues}", *extra]
        self.process = Process(argv, stdin=True)
        try:
            self.process.expect(PROMPT, START_SECONDS)
        except AssertionError:
            self.process.kill()
            raise
        if forward:
            self.command(f"set fwd {forward}")

    def command(self, text, seconds=15):
        """Run one command; what it printed."""
        mark = self.process.mark()
        self.process.write(text + "\n")
        self.process.expect(PROMPT, seconds, mark + 1)
        return self.process.text(mark)

    def start(self):
        self.command("start")

    def stop(self):
        """Stop forwarding; the counters of each port since start, as {port: (rx, tx)}."""
        mark = self.process.mark()
        self.process.write("stop\n")
        self.process.expect(r"^Done\.[\s\S]*" + PROMPT, 15, mark)
        found = re.findall(r"statistics for port (\d+)\s+-+\s+RX-packets: (\d+)"
                           r"[\s\S]*?TX-packets: (\d+)", self.process.text(mark))
        return {int(port): (int(rx), int(tx)) for port, rx, tx in found}

    def stats(self, port=0):
        """(rx, tx) packets of a port since it came up."""
        text = self.command(f"show port stats {port}")
        return (int(re.search(r"RX-packets: (\d+)", text).group(1)),
                int(re.search(r"TX-packets: (\d+)", text).group(1)))

    def wait_received(self, more_than, seconds=15, port=0):
        wait.until(lambda: self.stats(port)[0] > more_than, seconds,
                   lambda: f"testpmd port {port} to receive more than {more_than}: "
                           f"{self.stats(port)}")

    def kill(self):
        """As a crash: SIGKILL."""
        self.process.kill()

    def close(self):
        """Quit in good order; kill what does not."""
        if self.process.alive():
            try:
                self.process.write("quit\n")
                self.process.wait(10)
            except (AssertionError, BrokenPipeError):
                self.process.kill(signal.SIGKILL)
        self.process.close()
