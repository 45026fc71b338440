# SPDX-License-Identifier: BSD-3-Clause
"""leatctl as a user has it, against a real leatd."""
import json
import os
import pty
import subprocess

import pytest

from leatlib.process import run

DONE, REFUSED, WOULD_CHANGE = 0, 1, 4


@pytest.fixture
def ctl(net):
    """A function that runs leatctl with words; CompletedProcess."""
    def call(*words):
        return run([net.ctl, "-s", net.socket, *words], check=False)
    return call


@pytest.fixture
def document(net, ctl):
    """The state in a file, and a function that changes it there."""
    net.call("group.upsert", id="web", qos={"tx_kbps": 1000})
    net.call("group.upsert", id="gone")
    path = net.path("state.json")

    def write(change):
        state = json.loads(ctl("-j", "dump").stdout)
        change(state["objects"])
        with open(path, "w", encoding="utf-8") as file:
            json.dump(state, file)
        return path
    return write


def one_of_each(objects):
    """One object more, one changed, one away."""
    web = next(group for group in objects["group"] if group["id"] == "web")
    web["qos"]["tx_kbps"] = 2000
    objects["group"] = [web, {"id": "new", "default_action": "deny"}]


def test_plan(net, ctl, document):
    before = net.call("state.get")
    same = ctl("apply", document(lambda objects: None), "--plan")
    assert (same.returncode, same.stdout) == (
        DONE, f"nothing to do at revision {before['rev']}\n")
    path = document(one_of_each)
    plan = ctl("apply", path, "--plan")
    assert plan.returncode == WOULD_CHANGE, plan.stderr
    assert "- group gone\n" in plan.stdout
    assert "+ group new\n" in plan.stdout and "    default_action: deny\n" in plan.stdout
    assert "~ group web\n    qos.tx_kbps: 1000 -> 2000\n" in plan.stdout
    assert "to add: 1, to change: 1, to remove: 1\n" in plan.stdout and "\033" not in plan.stdout
    assert net.call("state.get") == before

    told = json.loads(ctl("-j", "apply", path, "--plan").stdout)
    differences = {item["object"]: (item["before"], item["after"])
                   for item in told["differences"]}
    assert set(differences) == {"group:gone", "group:new", "group:web"}
    assert ctl("apply", path, f"if_rev={told['rev']}").returncode == DONE
    groups = {f"group:{group['id']}": group for group in net.call("state.get")["objects"]["group"]}
    assert groups == {name: after for name, (_, after) in differences.items() if after}


def test_what_was_planned_and_no_longer_holds(net, ctl, document):
    path = document(one_of_each)
    rev = json.loads(ctl("-j", "apply", path, "--plan").stdout)["rev"]
    net.call("group.upsert", id="between")
    before = net.call("state.get")
    late = ctl("apply", path, f"if_rev={rev}")
    assert late.returncode == REFUSED and "STALE_REVISION" in late.stderr
    assert net.call("state.get") == before


@pytest.mark.parametrize("no_color, coloured", [("", True), ("1", False)])
def test_plan_on_a_terminal(net, document, no_color, coloured):
    near, far = pty.openpty()
    done = subprocess.run([net.ctl, "-s", net.socket, "apply", document(one_of_each), "--plan"],
                          stdout=far, env={**os.environ, "NO_COLOR": no_color}, check=False,
                          timeout=20)
    os.close(far)
    shown = os.read(near, 65536).decode()
    os.close(near)
    assert done.returncode == WOULD_CHANGE
    assert "group web" in shown and ("\033[33m~ group web" in shown) == coloured
