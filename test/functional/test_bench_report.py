# SPDX-License-Identifier: BSD-3-Clause
"""scripts/bench: which rounds count, what it makes of them, and that it runs."""
import json
import os
import sys
import xml.etree.ElementTree

import pytest

from leatlib import paths
from leatlib.process import run

sys.path.insert(0, os.path.join(paths.ROOT, "test", "bench"))

from benchlib import book, policy, report  # noqa: E402  (the path above)
from benchlib.rows import lost_share  # noqa: E402

BENCH = os.path.join(paths.ROOT, "scripts", "bench")


def filled(rounds, turned=True):
    """A book of rounds given as {(number, contender): (cache line, rate)}."""
    log = book.Book(None)
    log.say = lambda text: None
    log.metric("part", "rate", "Mpps", "higher", "bare")
    if turned:
        log.turned.add("part")
    for (number, contender), (line, rate) in rounds.items():
        log.line = {"cache_line_ns": line, "load1": 0.0, "at": "now"}
        log.add("part", contender, number, {"rate": rate})
    return log


def test_only_rounds_on_a_like_machine_count():
    log = filled({(1, "bare"): (110, 30.0), (1, "leat"): (120, 45.0),
                  (2, "bare"): (110, 31.0), (2, "leat"): (480, 20.0),   # moved in between
                  (3, "bare"): (480, 15.0), (3, "leat"): (470, 90.0),   # far apart throughout
                  (4, "bare"): (112, 28.0), (4, "leat"): (112, 56.0)})
    assert log.good_turns("part") == {1, 4}
    assert log.discarded() == [("part", 2, 110, 480), ("part", 3, 470, 480)]
    assert log.values("part", "rate", "leat") == [45.0, 56.0]
    assert log.ratio("part", "rate", "leat") == (56 / 30, (1.5 + 2) / 2)
    assert all(f"round {number}" in line
               for number, line in zip((2, 3), report.discarded_lines(log)))


def test_without_a_good_round_all_are_shown_and_it_is_said():
    log = filled({(1, "bare"): (110, 30.0), (1, "leat"): (480, 20.0)})
    assert log.good_turns("part") == set()
    assert all(row["disturbed"] for row in log.summary())
    assert log.ratio("part", "rate", "leat") == (20 / 30, None)


def test_a_part_without_turns_counts_every_round():
    log = filled({(1, "bare"): (110, 30.0), (2, "bare"): (480, 15.0)}, turned=False)
    assert log.discarded() == []
    assert log.values("part", "rate", "bare") == [30.0, 15.0]


def test_turns_go_on_until_enough_count(monkeypatch):
    log = filled({})
    lines = iter([480, 480, 110, 110, 110, 110])  # before and after each of three rounds
    monkeypatch.setattr(log, "_cache_line", lambda: next(lines))
    book.turns(log, "part", {"bare": lambda: {"rate": 1.0}}, 2)
    assert [row["round"] for row in log.rows] == [1, 2, 3]
    assert log.good_turns("part") == {2, 3}


def test_lost_share_counts_what_could_not_be_sent():
    ways = [{"sent": 80, "unsent": 20, "lost": 5}, {"sent": 100, "unsent": 0, "lost": 0}]
    assert lost_share({"directions": ways}) == 25 / 200


def test_rules_never_deny_what_is_benched():
    rules = policy.rules()
    assert len(rules) == policy.RULES
    for rule in rules:
        low, high = rule["ports"]
        outside = high < policy.PORTS[0] or low > policy.PORTS[1]
        assert outside if rule["action"] == "deny" else rule["ports"] == policy.PORTS
    # One masked value says the same to Open vSwitch.
    assert policy.PORTS[0] & policy.PORTS_MASK == policy.PORTS[0]
    assert policy.PORTS[0] | (policy.PORTS_MASK ^ 0xFFFF) == policy.PORTS[1]


def test_a_short_run_gives_table_json_and_picture(tmp_path):
    files = [str(tmp_path / name) for name in ("out.json", "out.svg")]
    done = run([BENCH, "--build", paths.BUILD_RELEASE, "--only", "vhost", "--rows", "flows-1",
                "--contenders", "library,leat", "--rounds", 1, "--json", files[0], "--svg",
                files[1]], seconds=90)
    assert "ratio of best" in done.stdout and "leat, everything on" in done.stdout
    with open(files[0], encoding="utf-8") as file:
        document = json.load(file)
    assert {row["contender"] for row in document["rounds"]} == {"vhost library, bare loop",
                                                                "leat, everything on"}
    assert all(row["value"] > 0.01 for row in document["rounds"] if row["metric"] == "rate")
    assert xml.etree.ElementTree.parse(files[1]).getroot().tag.endswith("svg")


@pytest.mark.parametrize("options,complaint", [
    (["--rows", "none"], "flows-1"), (["--contenders", "vpp"], "library"),
    (["--rounds", "0"], "at least one round"), (["--only", "x"], "redis")])
def test_bad_options_are_named(options, complaint):
    done = run([BENCH, *options], check=False)
    assert done.returncode == 2 and complaint in done.stderr


def test_a_build_that_is_not_there_is_said(tmp_path):
    done = run([BENCH, "--build", str(tmp_path)], check=False)
    assert done.returncode == 1 and "is not built" in done.stderr
