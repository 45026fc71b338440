# SPDX-License-Identifier: BSD-3-Clause
"""Load between two namespaces: a numbered UDP stream that notices each loss, and iperf3."""
import json
import socket
import threading
import time

from leatlib import netns, wait


class Stream:
    """Numbered datagrams from one host to another, `rate` a second, until stop()."""

    def __init__(self, src, dst, rate=1000, size=200, port=7000):
        self.rate, self.size = rate, size
        self.target = (dst.ip, port)
        self.sent, self.received = 0, set()
        self.running, self.drained = True, False
        self.sink = dst.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sink.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
        self.sink.bind(self.target)
        self.sink.settimeout(0.1)
        self.source = src.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.threads = [threading.Thread(target=self._receive, daemon=True),
                        threading.Thread(target=self._send, daemon=True)]
        for thread in self.threads:
            thread.start()
        wait.until(lambda: self.received, 5, "the first datagram of a stream")

    def _send(self):
        start = time.monotonic()
        while self.running:
            self.source.sendto(self.sent.to_bytes(8, "big").ljust(self.size, b"s"), self.target)
            self.sent += 1
            wait.pace(start, self.sent, self.rate)

    def _receive(self):
        while not self.drained:
            try:
                self.received.add(int.from_bytes(self.sink.recv(65536)[:8], "big"))
            except TimeoutError:
                pass

    def wait_more(self, n=100, seconds=10):
        """Wait until `n` more datagrams have arrived."""
        goal = len(self.received) + n
        wait.until(lambda: len(self.received) >= goal, seconds,
                   lambda: f"{goal} datagrams of a stream, {len(self.received)} came")

    def stop(self):
        """End it and wait for the last ones; the numbers that never came."""
        self.running = False
        self.threads[1].join()
        try:
            wait.until(lambda: len(self.received) == self.sent, 3, "the rest of a stream")
        except AssertionError:
            pass  # the caller judges
        self.drained = True
        self.threads[0].join()
        self.sink.close()
        self.source.close()
        return sorted(set(range(self.sent)) - self.received)

    def assert_lossless(self):
        lost = self.stop()
        assert not lost, f"{len(lost)} of {self.sent} datagrams were lost: {lost[:20]}"


class TcpFlow:
    """One TCP connection from one host to another, a block every millisecond, until stop()."""
    BLOCK = b"t" * 512

    def __init__(self, src, dst, port=7100):
        listener = dst.ns.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind((dst.ip, port))
        listener.listen(1)
        self.source = src.ns.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.source.settimeout(20)
        self.source.connect((dst.ip, port))
        self.sink = listener.accept()[0]
        self.sink.settimeout(20)
        listener.close()
        self.arrivals, self.received, self.sent = [time.monotonic()], 0, 0
        self.running, self.error = True, None
        self.threads = [threading.Thread(target=self._guard, args=[body], daemon=True)
                        for body in (self._send, self._receive)]
        for thread in self.threads:
            thread.start()

    def _guard(self, body):
        try:
            body()
        except OSError as error:
            self.error = error

    def _send(self):
        start = time.monotonic()
        blocks = 0
        while self.running:
            self.source.sendall(self.BLOCK)
            blocks += 1
            wait.pace(start, blocks, 1000)
        self.sent = blocks * len(self.BLOCK)
        self.source.shutdown(socket.SHUT_WR)

    def _receive(self):
        while data := self.sink.recv(65536):
            self.received += len(data)
            self.arrivals.append(time.monotonic())

    def wait_more(self, n=100, seconds=20):
        """Wait until data has arrived `n` more times."""
        goal = len(self.arrivals) + n
        wait.until(lambda: len(self.arrivals) >= goal or self.error, seconds,
                   "more data of a TCP connection")
        assert self.error is None, f"the TCP connection broke: {self.error}"

    def gap_ms(self):
        """The longest time without data since it was last asked."""
        times = self.arrivals[:]
        self.arrivals = times[-1:]
        return 1000 * max(later - earlier for earlier, later in zip(times, times[1:]))

    def stop(self):
        """End it; every byte must have arrived."""
        self.running = False
        for thread in self.threads:
            thread.join()
        self.source.close()
        self.sink.close()
        assert self.error is None, f"the TCP connection broke: {self.error}"
        assert self.received == self.sent, f"{self.received} of {self.sent} bytes arrived"


class Silences:
    """Watches how many bytes a host's interface receives: gap_ms() is the longest time in which
    they were fewer than a segment's, since it was last asked."""
    INTERVAL, LEAST = 0.002, 1500

    def __init__(self, host):
        self.file = netns.call_in(host.ns.path, lambda: open(
            "/proc/thread-self/net/dev", encoding="ascii"))
        self.bytes, self.since, self.longest = self._read(), time.monotonic(), 0.0
        self.running, self.lock = True, threading.Lock()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _read(self):
        self.file.seek(0)
        return next(int(line.split()[1]) for line in self.file if line.lstrip().startswith("eth0:"))

    def _watch(self):
        while self.running:
            now, count = time.monotonic(), self._read()
            with self.lock:
                if count >= self.bytes + self.LEAST:
                    self.longest = max(self.longest, now - self.since)
                    self.bytes, self.since = count, now
            wait.let_pass(self.INTERVAL)

    def wait_more(self, n=100, seconds=20):
        """Wait until `n` more full segments have come."""
        goal = self.bytes + n * self.LEAST
        wait.until(lambda: self.bytes >= goal, seconds, "more bytes of a host's interface")

    def gap_ms(self):
        with self.lock:
            longest, self.longest = self.longest, 0.0
        return 1000 * longest

    def stop(self):
        self.running = False
        self.thread.join()
        self.file.close()


def iperf3_beside(client, server, seconds, port=5201):
    """iperf3 from one host to another in the background: its process, which must end with 0."""
    listener = server.ns.start(["iperf3", "-s", "-1", "--forceflush", "-p", port])
    listener.expect("Server listening", 10)
    return client.ns.start(["iperf3", "-J", "-c", server.ip, "-p", port, "-t", seconds])


def iperf3(client, server, *options, seconds=2, address=None, port=5201):
    """Run iperf3 from one host to another; its JSON report."""
    listener = server.ns.start(["iperf3", "-s", "-1", "--forceflush", "-p", port])
    listener.expect("Server listening", 10)
    done = client.ns.run(["iperf3", "-J", "-c", address or server.ip, "-p", port, "-t", seconds,
                          *options], seconds=seconds + 20, check=False)
    report = json.loads(done.stdout)
    assert done.returncode == 0 and "error" not in report, report.get("error", done.stderr)
    listener.wait(10)
    return report


def received_bits_per_second(report):
    return report["end"]["sum_received"]["bits_per_second"]


def checksum_errors(host):
    """What the kernel of a namespace counted as corrupt: TCP, UDP and IP."""
    text = host.ns.run(["cat", "/proc/net/snmp"]).stdout.splitlines()
    table = {}
    for names, values in zip(text[::2], text[1::2]):
        proto = names.split(":")[0]
        for name, value in zip(names.split()[1:], values.split()[1:]):
            table[proto, name] = int(value)
    return {key: table[key] for key in (("Tcp", "InErrs"), ("Tcp", "InCsumErrors"),
                                        ("Udp", "InCsumErrors"), ("Ip", "InHdrErrors"))
            if table.get(key)}
