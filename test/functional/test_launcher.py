# SPDX-License-Identifier: BSD-3-Clause
"""The launcher of a portable build: on CPUs that qemu-user pretends, and on this one."""
import os
import re
import shutil
import stat

import pytest

from leatlib import paths
from leatlib.process import run

LEVELS = ["v2", "v3", "v4"]
LOADER = "/lib64/ld-linux-x86-64.so.2"
QEMU = "qemu-x86_64"
# The best of LEVELS of some CPUs. qemu-user has no AVX-512: for v4 the CPU at hand has to serve.
CPUS = {"core2duo": None, "Nehalem": "v2", "Westmere": "v2", "Haswell": "v3", "EPYC": "v3"}
START_FAILED, BAD_USAGE = 1, 2  # as leatd's


def native_level():
    """The best of this CPU, as the C library sees it."""
    said = run([LOADER, "--help"]).stdout
    return max(re.findall(r"x86-64-(v\d) \(supported", said), default=None)


def program(path, text):
    """A program that tells its own name and its arguments."""
    path.write_text(f'#!/bin/sh\necho "{text} $*"\n', encoding="ascii")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def launch(tmp_path):
    """A function that runs the launcher, beside programs that only tell which they are."""
    launcher = tmp_path / "leatd"
    shutil.copy(os.path.join(paths.BUILD_RELEASE, "leatd-launcher"), launcher)
    for level in LEVELS:
        program(tmp_path / f"leatd-{level}", level)

    def call(cpu=None, wanted=None):
        setting = ["-u", "LEAT_CPU"] if wanted is None else [f"LEAT_CPU={wanted}"]
        machine = [QEMU, "-cpu", cpu] if cpu else []
        return run(["env", *setting, *machine, launcher, "a b"], check=False)
    return call


@pytest.mark.parametrize("cpu", CPUS)
def test_the_best_that_runs(launch, cpu):
    done = launch(cpu)
    if CPUS[cpu]:
        assert (done.returncode, done.stdout) == (0, f"{CPUS[cpu]} a b\n")
    else:
        assert (done.returncode, done.stdout) == (START_FAILED, "")
        assert "leatd: this CPU is older than x86-64-v2\n" in done.stderr


def test_the_best_of_this_cpu(launch):
    assert launch().stdout == f"{native_level()} a b\n"


@pytest.mark.parametrize("level", LEVELS)
def test_another_on_demand(launch, level):
    """As far as the CPU goes; what it cannot run is refused, not tried."""
    done = launch("Haswell", level)
    if level == "v4":
        assert (done.returncode, done.stdout) == (BAD_USAGE, "")
        assert "leatd: LEAT_CPU=v4: this CPU is no x86-64-v4\n" in done.stderr
    else:
        assert (done.returncode, done.stdout) == (0, f"{level} a b\n")


@pytest.mark.parametrize("wrong", ["", "v1", "v22", "V2", "x86-64-v2"])
def test_a_wrong_level(launch, wrong):
    done = launch(wanted=wrong)
    assert (done.returncode, done.stdout) == (BAD_USAGE, "")
    assert done.stderr == f"leatd: LEAT_CPU={wrong}: it takes v2, v3 or v4\n"


def test_a_missing_program(launch, tmp_path):
    """It is named; no other is taken in its place."""
    (tmp_path / "leatd-v2").unlink()
    done = launch(wanted="v2")
    assert (done.returncode, done.stdout) == (START_FAILED, "")
    assert re.fullmatch(r"leatd: /\S+/leat/leatd-v2: No such file or directory\n", done.stderr)


def test_leatd_tells_what_it_is_built_for():
    done = run([os.path.join(paths.BUILD_RELEASE, "leatd"), "--version"])
    assert re.fullmatch(r"leatd \d+\.\d+\.\d+, built for \S+\n", done.stdout)
