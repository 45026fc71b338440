# SPDX-License-Identifier: BSD-3-Clause
"""Events as a client gets them."""
from leatlib.rpc import Rpc


class Watcher:
    """A connection that has subscribed, and what has come by it."""

    def __init__(self, switch, **params):
        self.rpc = switch.keep(Rpc(switch.socket))
        self.start = self.rpc.call("events.subscribe", params)

    def next(self, wanted=None):
        """The next event, or the next of a type."""
        while True:
            event = self.rpc.read_reply()["params"]
            if wanted in (None, event["type"]):
                return event
