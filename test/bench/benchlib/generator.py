# SPDX-License-Identifier: BSD-3-Clause
"""leat-bench, run against a contender."""
import json
import os

from benchlib import rig
from benchlib.book import APP_CPU
from benchlib.contender import IPS, MACS
from benchlib.policy import PORT, SPREAD
from leatlib import paths
from leatlib.process import Process

START_SECONDS = 40


def start(contender, options, seconds):
    """Begin a run with `options`, on the contender's idle ports too; a process for finish()."""
    argv = [os.path.join(paths.BUILD_RELEASE, "test", "bench", "leat-bench"), "--json",
            "--cpu", APP_CPU, "--secs", seconds, "--mac", ",".join(MACS), "--ip", ",".join(IPS),
            "--dst-port", PORT, *options]
    argv += [f"--spread={SPREAD}"] if "--spread" in options else []
    for socket in contender.idle:
        argv += ["--idle", socket]
    process = Process([*argv, *contender.sockets])
    rig.first(process.pid)
    return process


def finish(process, seconds):
    """Wait so long for a run to end; its JSON object."""
    try:
        code = process.wait(seconds)
    finally:
        process.kill()
    assert code == 0, f"leat-bench ended with {code}: {process.text()}"
    return json.loads(process.text().splitlines()[-1])


def load(contender, options, seconds):
    """One run while the contender runs; its JSON object."""
    with contender.running():
        return finish(start(contender, options, seconds), seconds + START_SECONDS)
