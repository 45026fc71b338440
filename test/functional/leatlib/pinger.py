# SPDX-License-Identifier: BSD-3-Clause
"""Whether the switch answers while it is busy: pings, one after the other. As a program, what pings
in a process of its own: a thread would wait for this one's interpreter."""
import os
import select
import sys
import time

from leatlib.process import Process
from leatlib.rpc import Rpc

PAUSE_SECONDS = 0.002
ANSWER_SECONDS = 60


class Pinger:
    """Pings on a connection of its own, from its making until stop()."""

    def __init__(self, path):
        folder = os.path.dirname(os.path.dirname(__file__))
        self.process = Process([sys.executable, "-m", __name__, path], stdin=True,
                               env={**os.environ, "PYTHONPATH": folder})

    def answered(self):
        """How many there have been."""
        return self.process.text().count("\n")

    def stop(self):
        """The longest time that an answer took, in seconds; AssertionError where there was none."""
        self.process.child.stdin.close()
        code = self.process.wait(ANSWER_SECONDS + 10)
        text = self.process.text()
        self.process.close()
        assert code == 0, f"a ping was not answered:\n{text[-4000:]}"
        assert text, "no ping was sent: it ended too soon"
        return max(map(float, text.split()))


def main(path):
    """Until stdin ends; a line for each answer: the seconds it took."""
    rpc = Rpc(path, timeout=ANSWER_SECONDS)
    while not select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]:
        begin = time.monotonic()
        rpc.call("system.ping")
        print(f"{time.monotonic() - begin:.6f}", flush=True)
    rpc.close()


if __name__ == "__main__":
    main(sys.argv[1])
