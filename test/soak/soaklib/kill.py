# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 at any instant: after it the state is what was acknowledged, or with it what was being
committed; and so are the interfaces."""
import os
import random
import signal
import threading
import time

from leatlib.netns import Namespace
from leatlib.switch import Switch
from soaklib.wanted import Changes, Wanted

LONGEST_LIFE_SECONDS = 0.15  # until a kill at random, after the daemon is ready
HOW = ("before", "half", "after")
POINTS_IN_ORDER, POINTS_AT_RANDOM = 40, 500
SAY_EVERY = 50
END_SECONDS = 10


class Torture:
    """One switch, killed over and over while a client changes its state."""

    def __init__(self, state_dir, seed, release=True):
        self.random = random.Random(seed)
        self.state_dir = state_dir
        self.switch = Switch(release=release, state_dir=state_dir, workers="1")
        self.namespace = self.switch.keep(Namespace("tor"))
        self.changes = Changes(self.switch, self.namespace, self.random)
        self.acknowledged = self.committing = Wanted.of(self.switch)
        self.kills = self.commits = self.later = 0
        self.library = os.path.join(os.path.dirname(self.switch.binary), "test", "soak",
                                    "killpoint.so")

    def close(self):
        self.switch.close()

    def _change(self):
        """One change; what it leads to is noted before it is asked for."""
        ops = self.changes.next()
        self.committing = self.acknowledged.after(ops)
        if len(ops) == 1:
            self.switch.call(ops[0]["method"], ops[0]["params"])
        else:
            self.switch.call("txn.apply", ops=ops)
        self.acknowledged = self.committing
        self.commits += 1

    def _change_until_killed(self):
        """The end of the connection is that of the daemon; anything else is a fault."""
        try:
            while True:
                self._change()
        except (ConnectionError, AssertionError) as error:
            code = self.switch.process.wait(END_SECONDS)
            assert code == -signal.SIGKILL, f"leatd ended with {code}: {error}"

    def _interfaces(self):
        out = self.namespace.ip("-o link show").stdout
        return {line.split(":")[1].strip() for line in out.splitlines()} - {"lo"}

    def _compare(self):
        """After a kill and another start."""
        found = Wanted.of(self.switch)
        if found == self.committing:
            self.later += found != self.acknowledged
            self.acknowledged = found
        assert found == self.acknowledged, (
            f"after kill {self.kills}: acknowledged and found: "
            f"{self.acknowledged.differences(found)}; committing and found: "
            f"{self.committing.differences(found)}")
        assert self._interfaces() == found.taps(), (
            f"after kill {self.kills}: interfaces {self._interfaces()}, endpoints {found.taps()}")
        states = {item["id"]: item["oper"]["state"]
                  for item in self.switch.call("endpoint.list")["items"]}
        assert set(states.values()) <= {"active"}, states

    def _after_kill(self):
        """What lies there while no daemon runs: nothing that nobody owns, nothing missing."""
        self.kills += 1
        there = self._interfaces()
        owned = self.acknowledged.taps() | self.committing.taps()
        assert there <= owned, f"after kill {self.kills}: nobody owns {there - owned}"
        kept = self.acknowledged.taps() & self.committing.taps()
        assert kept <= there, f"after kill {self.kills}: {kept - there} went with the daemon"

    def kill_at_random(self):
        """Change for a while, kill, start again, compare."""
        process = self.switch.process
        timer = threading.Timer(self.random.uniform(0, LONGEST_LIFE_SECONDS),
                                process.child.kill)
        timer.start()
        self._change_until_killed()
        timer.join()
        self.switch.kill()
        self._after_kill()
        self.switch.start()
        self._compare()

    def kill_at_point(self, point, how):
        """A life that ends at its n-th write point, while it starts or in what follows."""
        self.switch.kill()
        self.switch.env = {"LD_PRELOAD": self.library, "LEAT_KILL_DIR": self.state_dir,
                           "LEAT_KILL_AT": str(point), "LEAT_KILL_HOW": how}
        try:
            self.switch.start()
        except AssertionError:
            assert self.switch.process.wait(END_SECONDS) == -signal.SIGKILL, self.switch.log()
        else:
            self._change_until_killed()
        self.switch.env = {}
        self.switch.kill()
        self._after_kill()
        self.switch.start()
        self._compare()


def points(random_source):
    """Write points and how the process ends there: the first ones each in every way, which is the
    start and some commits; then any, up to where the log is brought into the database."""
    for point in range(1, POINTS_IN_ORDER + 1):
        for how in HOW:
            yield point, how
    while True:
        yield random_source.randint(1, POINTS_AT_RANDOM), random_source.choice(HOW)


def run(count, state_dir, seed, say, release=True):
    """Half the kills at random instants, half at write points; what it came to."""
    torture = Torture(state_dir, seed, release)
    began = time.monotonic()
    chosen = points(torture.random)
    try:
        for number in range(1, count + 1):
            if number % 2 == 0:
                torture.kill_at_random()
            else:
                torture.kill_at_point(*next(chosen))
            if number % SAY_EVERY == 0 or number == count:
                say(f"{torture.kills} kills, {torture.commits} commits acknowledged, "
                    f"{torture.later} times the one being committed was there, "
                    f"{time.monotonic() - began:.0f} s")
    finally:
        torture.close()
    return torture
