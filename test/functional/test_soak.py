# SPDX-License-Identifier: BSD-3-Clause
"""Short versions of scripts/soak, with the optimised build: a sanitizer would be in the way of what
ends leatd at a write."""
from soaklib import changes, kill, restart

KILLS, RESTARTS, UPGRADES = 30, 2, 1
CHANGES_SECONDS = 1


def test_killed_at_any_instant(tmp_path):
    torture = kill.run(KILLS, str(tmp_path / "state"), seed=7, say=print)
    assert torture.kills == KILLS and torture.commits > KILLS


def test_tcp_across_restarts(tmp_path):
    """TCP connections live through kill -9 and restart. The gaps are shown."""
    check_rows(restart.run(RESTARTS, str(tmp_path / "state"), say=print))


def test_tcp_across_upgrades(tmp_path):
    """The same when leatd's file is replaced under it and the new one started in its place."""
    check_rows(restart.run(UPGRADES, str(tmp_path / "state"), say=print, upgrade=True))


def test_nothing_is_lost_beside_changes():
    assert changes.run(CHANGES_SECONDS, say=print)


def check_rows(rows):
    assert sorted(rows) == sorted(restart.PORTS) and all(rows.values())
