# SPDX-License-Identifier: BSD-3-Clause
"""vhost-user to vhost-user on one switch core: leatd with everything on beside others."""
import contextlib

from benchlib import rig
from benchlib.book import turns
from benchlib.contenders import KINDS, NAMES, installed
from benchlib.rows import ROWS

REFERENCE = "library"
PEER = "ovs"
PEER_TIMES = 2.5     # what leat carries of what the best peer does
PORTS_COST = 0.9     # with 64 ports, of the rate with 2


def _row(book, made, name, rounds):
    row = ROWS[name]
    ways = {NAMES[kind]: lambda one=one: row.measure(one)
            for kind, one in made.items() if row.fits(one)}
    if not ways:
        book.say(f"== vhost {name}: no contender that has more than two ports")
        return
    book.say(f"== vhost {name}: {row.words}")
    for one in made.values():
        one.renew()
        row.warm_up(one)
    for metric, unit, better in row.METRICS:
        book.metric(name, metric, unit, better, NAMES[REFERENCE])
    turns(book, name, ways, min(rounds, row.ROUNDS))


def _judge_share(book, name):
    """The row's share of the bare loop, and what it is of the best peer."""
    row, ratio = ROWS[name], book.ratio(name, "rate", NAMES["leat"])
    if row.wanted is not None and ratio is not None:
        book.target(f"{name}: at least {row.wanted} of the library's bare loop",
                    f"{ratio[0]:.2f} of it (best rounds)", ratio[0] >= row.wanted)
    if row.peers:
        _judge_against(book, name, "rate", lambda mine, theirs: mine >= PEER_TIMES * theirs,
                       f"at least {PEER_TIMES} times Open vSwitch")


def _judge_against(book, name, metric, is_met, words):
    if not {NAMES["leat"], NAMES[PEER]} <= set(book.contenders(name, metric)):
        return
    mine, theirs = (book.best(name, metric, NAMES[kind]) for kind in ("leat", PEER))
    book.target(f"{name}: {words}", f"{mine / theirs:.2f} of it (best rounds)",
                is_met(mine, theirs))


def _judge(book, rows):
    leat = NAMES["leat"]
    for name in rows:
        if leat in book.contenders(name, "rate"):
            _judge_share(book, name)
    for metric in ("p50", "p99"):
        _judge_against(book, "latency", metric, lambda mine, theirs: mine <= theirs,
                       f"{metric} no worse than Open vSwitch's")
    if all(leat in book.contenders(name, "rate") for name in ("flows-1", "ports-64")):
        share = book.best("ports-64", "rate", leat) / book.best("flows-1", "rate", leat)
        book.target("ports-64: costs less than 10 % against 2 ports", f"{share:.2f} of the rate",
                    share > PORTS_COST)


def _start(book, kinds, closing):
    made = {}
    for kind in kinds:
        if not installed(kind):
            book.notes.append(f"{NAMES[kind]} is not installed: --install-peers installs it")
            continue
        book.say(f"-- starting {NAMES[kind]}")
        made[kind] = KINDS[kind]()
        closing.callback(made[kind].close)
    return made


def run(book, rounds, options):
    rows = options.rows or list(ROWS)
    failed = []
    with contextlib.ExitStack() as closing:
        closing.enter_context(rig.hugepages(book.say))
        made = _start(book, options.contenders or list(KINDS), closing)
        for number, name in enumerate(rows, 1):
            book.say(f"-- row {number} of {len(rows)}")
            try:
                _row(book, made, name, rounds)
            except AssertionError as error:
                book.say(f"   did not work: {error}")
                failed.append(f"{name}: {error}")
        _judge(book, rows)
    assert not failed, "; ".join(failed)
