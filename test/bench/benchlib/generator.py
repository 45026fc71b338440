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


def load(contender, options, seconds):
    """Run it with `options` while the contender runs, on its idle ports too; its JSON object."""
    argv = [os.path.join(paths.BUILD_RELEASE, "test", "bench", "leat-bench"), "--json",
            "--cpu", APP_CPU, "--secs", seconds, "--mac", ",".join(MACS), "--ip", ",".join(IPS),
            "--dst-port", PORT, *options]
    argv += [f"--spread={SPREAD}"] if "--spread" in options else []
    for socket in contender.idle:
        argv += ["--idle", socket]
    with contender.running():
        process = Process([*argv, *contender.sockets])
        try:
            rig.first(process.pid)
            code = process.wait(seconds + START_SECONDS)
        finally:
            process.kill()
    assert code == 0, f"leat-bench ended with {code}: {process.text()}"
    return json.loads(process.text().splitlines()[-1])
