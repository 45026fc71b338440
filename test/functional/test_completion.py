# SPDX-License-Identifier: BSD-3-Clause
"""leatctl's completion in the shells themselves, with the ids of a real leatd."""
import os

import pytest

from leatlib.process import run

BASH = r"""
source <(leatctl completion bash)
[ "$(complete -p leatctl)" = "complete -F _leatctl leatctl" ] || exit 1
COMP_LINE=$1 COMP_POINT=${#1}
_leatctl 2>/dev/null
printf '%s\n' "${COMPREPLY[@]}"
"""

# Types the line and a TAB into an interactive zsh, and has it tell what it made of it.
ZSH = r"""
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1= ; RPS1= ; autoload -U compinit && compinit -u -D'
zpty -w shell 'source <(leatctl completion zsh); setopt no_always_last_prompt'
zpty -w shell 'told() { print -r -- "<<$BUFFER>>"; BUFFER=; zle redisplay }'
zpty -w shell 'zle -N told; bindkey "^X" told'
zpty -w shell 'print rea""dy'
zpty -r -m shell text '*ready*'
zpty -w -n shell "$1"$'\t\x18'
zpty -r -m shell text '*<<*>>*'
print -r -- "${${text##*<<}%%>>*}"
zpty -d shell
"""


@pytest.fixture
def shell(net):
    """A function that runs a script in a shell, with the line to be completed as $1."""
    net.call("group.upsert", id="kept:web-1")
    env = {**os.environ, "PATH": os.path.dirname(net.ctl) + ":" + os.environ["PATH"]}

    def call(argv, line):
        line = f"leatctl -s {net.socket} " + line
        full = ["env", f"PATH={env['PATH']}", "TERM=dumb", *argv, "shell", line]
        return line, run(full).stdout
    return call


@pytest.mark.parametrize("line, has, has_not", [
    ("", ["network", "endpoint", "edit", "--json"], ["add", "net"]),
    ("netw", ["network"], ["endpoint"]),
    ("network ", ["add", "delete", "list", "get"], ["network"]),
    ("network add blue ", ["vlan=", "encap=vlan", "id="], ["port.kind="]),
    ("network add blue encap=", ["vlan", "none"], ["encap=vlan"]),
    ("network get ", ["net"], ["kept:web-1"]),
    ("endpoint add e network=", ["net"], ["kept:web-1"]),
    ("endpoint add e group=kept:", ["web-1"], []),
    ("endpoint add e port.kind=", ["tap", "memif", "vhost-user"], []),
    ("group delete kept:w", ["web-1"], []),
    ("edit ", ["group", "global"], ["add"]),
    ("edit group ", ["kept:web-1"], ["net"]),
    ("apply ", ["--plan"], []),
    ("completion ", ["bash", "zsh"], []),
])
def test_bash(shell, line, has, has_not):
    _, found = shell(["bash", "--norc", "-c", BASH], line)
    found = found.split("\n")
    assert all(word in found for word in has) and not any(word in found for word in has_not), found


@pytest.mark.parametrize("typed, becomes", [
    ("netw", "network "),
    ("network del", "network delete "),
    ("network add blue vl", "network add blue vlan="),
    ("network add blue encap=vl", "network add blue encap=vlan "),
    ("network get n", "network get net "),
    ("endpoint add e network=n", "endpoint add e network=net "),
    ("group delete kept:w", "group delete kept:web-1 "),
    ("edit group k", "edit group kept:web-1 "),
    ("--js", "--json "),
])
def test_zsh(shell, typed, becomes):
    line, found = shell(["zsh", "-f", "-c", ZSH], typed)
    assert found.rstrip("\n") == line[:-len(typed)] + becomes
