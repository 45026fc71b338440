# SPDX-License-Identifier: BSD-3-Clause
"""vhost-user to vhost-user, both directions at once, one switch core."""
from benchlib import contenders, generator
from benchlib.book import turns

SECONDS = 0.5
REFERENCE = "library"


def _flows(count, *options):
    return ["--bidir", "--flows", count, *options]


# name: (what it says, leat-bench's options, share of the library's loop wanted or None)
ROWS = {
    "flows-1": ("64 bytes, 1 flow", _flows(1), 1.5),
    "flows-10000": ("64 bytes, 10,000 flows", _flows(10000), 1.25),
    "flows-100000": ("64 bytes, 100,000 flows", _flows(100000), 1.1),
    "flows-1000000": ("64 bytes, 1,000,000 flows", _flows(1000000), 1.0),
    "spread-1000": ("addresses spread, 1,000 flows", _flows(1000, "--spread"), 1.25),
    "spread-100000": ("addresses spread, 100,000 flows", _flows(100000, "--spread"), 1.0),
    "size-1518": ("1518 bytes, 1 flow", _flows(1, "--size", 1518), 1.6),
    "imix": ("IMIX, 10,000 flows", _flows(10000, "--size", "imix"), None),
    "new-flows": ("every packet a new flow", _flows(1, "--new-flows"), 0.15),
    "virtio-user-1": ("virtio-user guests, 1 flow", _flows(1, "--virtio-user"), 0.95),
    "virtio-user-10000": ("virtio-user guests, 10,000 flows", _flows(10000, "--virtio-user"),
                          0.95),
    "virtio-user-100000": ("virtio-user guests, 100,000 flows", _flows(100000, "--virtio-user"),
                           0.95),
}


def _round(contender, options):
    return {"rate": generator.load(contender, options, SECONDS)["mpps"]}


def _row(book, made, name, rounds):
    words, options, wanted = ROWS[name]
    book.say(f"== vhost {name}: {words}")
    book.metric(name, "rate", "Mpps", "higher", contenders.NAMES[REFERENCE])
    turns(book, name, {contenders.NAMES[kind]: lambda one=one: _round(one, options)
                       for kind, one in made.items()}, rounds)
    leat = contenders.NAMES["leat"]
    if wanted is not None and REFERENCE in made and "leat" in made:
        share = book.ratio(name, "rate", leat)[0]
        book.target(f"{name}: at least {wanted} of the library's bare loop",
                    f"{share:.2f} of it (best rounds)", share >= wanted)


def run(book, rounds, options):
    made = {}
    try:
        for kind in options.contenders or contenders.KINDS:
            book.say(f"-- starting {contenders.NAMES[kind]}")
            made[kind] = contenders.KINDS[kind]()
        for name in options.rows or ROWS:
            _row(book, made, name, rounds)
    finally:
        for contender in made.values():
            contender.close()
