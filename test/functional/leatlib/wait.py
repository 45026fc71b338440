# SPDX-License-Identifier: BSD-3-Clause
"""Waiting for something to become true, with a deadline. The only place that sleeps."""
import time

INTERVAL = 0.005
PROMPT = 0.02  # a sample that took longer may have its clock and its counters of two moments
SAMPLES = 200  # that are tried for a prompt one


def until(condition, seconds, what):
    """Poll `condition` until it is truthy and return what it gave; AssertionError after `seconds`.

    `what` says what was waited for: a text, or a function giving one at the time of failure.
    """
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            text = what() if callable(what) else what
            raise AssertionError(f"not within {seconds} s: {text}")
        time.sleep(INTERVAL)


def _prompt(sample):
    """A sample of one moment, as far as the machine lets there be one."""
    for _ in range(SAMPLES):
        began = time.monotonic()
        taken = sample()
        if time.monotonic() - began < PROMPT:
            break
    return taken


def window(sample, length, seconds, what):
    """Two samples, the second at least `length` after the first by their own clock, which is what
    they begin with; AssertionError after `seconds`."""
    first = _prompt(sample)
    last = until(lambda: (now := _prompt(sample))[0] - first[0] >= length and now, seconds, what)
    return first, last


def pace(start, n, per_second):
    """Sleep until the n-th of a series of `per_second` events that began at `start` is due."""
    delay = start + n / per_second - time.monotonic()
    if delay > 0:
        time.sleep(delay)


def let_pass(seconds):
    """Let time pass where that is what is measured; never to wait for something."""
    time.sleep(seconds)
