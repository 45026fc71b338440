# SPDX-License-Identifier: BSD-3-Clause
"""Redis and its client in two containers, beside a third one on the same switch and worker."""
from benchlib.beside import FLOODS, beside
from benchlib.neighbours import Neighbours

PART = "neighbour"


def run(book, rounds, _options):
    book.say(f"== {PART}: redis-benchmark -t get -c 50 beside a container that floods")
    beside(book, PART, Neighbours(), FLOODS, rounds)
