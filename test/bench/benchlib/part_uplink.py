# SPDX-License-Identifier: BSD-3-Clause
"""Redis in a container, its client behind the uplink, and a container that fills worker and
uplink."""
from benchlib.beside import FLOODS, beside
from benchlib.outside import UPLINK_MBPS, Outside

PART = "uplink"


def run(book, rounds, _options):
    book.say(f"== {PART}: redis-benchmark -t get -c 50 through an uplink of {UPLINK_MBPS} Mb/s "
             "that a container fills")
    beside(book, PART, Outside(), [load for load in FLOODS if load != "SYN flood"], rounds)
