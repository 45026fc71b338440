# SPDX-License-Identifier: BSD-3-Clause
"""Short versions of scripts/soak, with the optimised build: a sanitizer would be in the way of what
ends leatd at a write."""
from soaklib import kill, restart

KILLS, RESTARTS = 30, 3


def test_killed_at_any_instant(tmp_path):
    torture = kill.run(KILLS, str(tmp_path / "state"), seed=7, say=print)
    assert torture.kills == KILLS and torture.commits > KILLS


def test_tcp_across_restarts(tmp_path):
    """TCP connections live through kill -9 and restart. The gaps are shown."""
    assert len(restart.run(RESTARTS, str(tmp_path / "state"), say=print)) == RESTARTS
