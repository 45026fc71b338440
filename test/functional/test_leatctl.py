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


class Editor:
    """leatctl edit with an editor that is a list of shell lines, one a time it is opened; each sees
    the file as $1. The pages it was given are kept."""

    def __init__(self, net, tmp_path):
        self.net, self.folder = net, tmp_path
        self.tmp = tmp_path / "tmp"
        self.tmp.mkdir()
        self.command = tmp_path / "editor"
        self.command.write_text(
            f'#!/bin/sh\nset -e\ncd {tmp_path}\nn=$(ls page.* 2>/dev/null | wc -l)\n'
            'cp "$1" page.$n\ntouch "$1~"\n. ./step.$n\n')
        self.command.chmod(0o755)

    def edit(self, *words, steps, options=()):
        for old in [*self.folder.glob("page.*"), *self.folder.glob("step.*")]:
            old.unlink()
        for number, step in enumerate(steps):
            (self.folder / f"step.{number}").write_text(step + "\n")
        env = {**os.environ, "EDITOR": str(self.command), "TMPDIR": str(self.tmp)}
        for name in ("VISUAL", "XDG_RUNTIME_DIR"):
            env.pop(name, None)
        done = subprocess.run([self.net.ctl, "-s", self.net.socket, *options, "edit", *words],
                              env=env, check=False, timeout=30, capture_output=True, text=True)
        assert not list(self.tmp.iterdir()), "the editor's file was left"
        return done

    def pages(self):
        return [path.read_text() for path in sorted(self.folder.glob("page.*"))]

    def ctl(self, words):
        return f"{self.net.ctl} -s {self.net.socket} {words} >&2"


@pytest.fixture
def editor(net, tmp_path):
    net.call("group.upsert", id="web", num=5)
    return Editor(net, tmp_path)


def group(net, name="web"):
    return net.call("group.get", id=name)["group"]


def test_edit(net, editor):
    done = editor.edit("group", "web", steps=["sed -i 's/\"num\": 5/\"num\": 6/' $1"])
    assert done.returncode == DONE, done.stderr
    assert group(net)["num"] == 6
    rev = net.call("state.get")["rev"]
    for step in (":", ": > $1", "false"):
        done = editor.edit("group", "web", steps=[step])
        assert done.returncode == (2 if step == "false" else DONE)
    assert net.call("state.get")["rev"] == rev
    done = editor.edit("global", steps=["sed -i 's/\"mac_age_s\": [0-9]*/\"mac_age_s\": 77/' $1"])
    assert done.returncode == DONE, done.stderr
    assert net.call("global.get")["global"]["mac_age_s"] == 77


def test_edit_all(net, editor):
    net.call("system.hello", owner="other")
    net.call("group.upsert", id="theirs")
    done = editor.edit(steps=["sed -i 's/\"num\": 5/\"num\": 7/' $1"])
    assert done.returncode == DONE, done.stderr
    assert "theirs" not in editor.pages()[0]
    assert group(net)["num"] == 7 and group(net, "theirs")


def test_edit_gives_back_what_is_wrong(net, editor):
    done = editor.edit("group", "web", steps=[
        "sed -i 's/\"num\"/num/' $1",
        "sed -i 's/num/\"numb\"/' $1",
        "sed -i 's/\"numb\": 5/\"num\": 70000/' $1",
        "sed -i 's/70000/8/; s/\"web\"/\"wab\"/' $1",
        "sed -i 's/\"wab\"/\"web\"/' $1"])
    assert done.returncode == DONE, done.stderr
    pages = editor.pages()
    assert "# line " in pages[1] and "did you mean" in pages[2]
    assert "/num" in pages[3] and '# /id: is to stay "web"' in pages[4]
    assert group(net)["num"] == 8
    done = editor.edit("group", "web", steps=["sed -i 's/8/x/' $1", ":"])
    assert done.returncode == 2 and group(net)["num"] == 8


def test_edit_does_not_overwrite(net, editor):
    change = "sed -i 's/\"num\": [0-9]*/\"num\": 9/' $1\n"
    other = editor.ctl("group add another")
    done = editor.edit("group", "web", steps=[change + other])
    assert done.returncode == DONE and group(net)["num"] == 9, done.stderr
    net.call("group.upsert", id="web", num=5)
    same = editor.ctl("group add web num=10")
    done = editor.edit("group", "web", steps=[change + same, ":"])
    assert done.returncode == REFUSED and group(net)["num"] == 10
    assert "changed meanwhile" in done.stderr and '#   "num": 10' in editor.pages()[1]
    done = editor.edit("group", "web", steps=["sed -i 's/10/11/' $1\n" + same[:-4] +
                                              " default_action=deny >&2",
                                              "sed -i 's/11/12/' $1"])
    assert done.returncode == DONE and group(net)["num"] == 12


def test_edit_ended_from_outside(net, editor):
    rev = net.call("state.get")["rev"]
    done = editor.edit("group", "web", steps=[
        "sed -i 's/5/6/' $1\nkill -TERM $PPID\nwhile :; do :; done"])
    assert done.returncode == -15
    assert net.call("state.get")["rev"] == rev


@pytest.mark.parametrize("words, said", [
    (["--jsn", "ping"], "there is no option --jsn; did you mean --json?"),
    (["--timout=3", "ping"], "there is no option --timout; did you mean --timeout?"),
    (["--json=1", "ping"], "--json takes no value"),
    (["-x", "ping"], "there is no option -x; leatctl --help lists them"),
    (["--owner"], "--owner needs a value"),
    (["netwrk", "list"], 'there is no command "netwrk"; did you mean "network"?'),
    (["network", "lst"], 'network has no verb "lst"; did you mean "list"?'),
    (["network", "add", "n", "vln=3"], 'vln: no such field; did you mean "vlan"?'),
    (["endpoint", "add", "e", "qos.tx_kbp=3"], 'did you mean "qos.tx_kbps"?'),
])
def test_the_nearest_is_named(ctl, words, said):
    done = ctl(*words)
    assert done.returncode == 2 and said in done.stderr and done.stdout == ""
