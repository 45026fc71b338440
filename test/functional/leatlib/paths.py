# SPDX-License-Identifier: BSD-3-Clause
"""Where the programs under test and the tools lie, and that they are there."""
import os
import shutil

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
BUILD = os.path.realpath(os.environ.get("LEAT_BUILD", os.path.join(ROOT, "build")))
# Figures of speed are taken with an optimised build without sanitizers.
BUILD_RELEASE = os.path.realpath(os.environ.get("LEAT_BUILD_RELEASE", BUILD))
WORKERS = os.environ.get("LEAT_WORKERS", "1")  # the cores that poll, unless a test says
GUEST = os.environ.get("LEAT_GUEST_DIR", "/var/cache/leat/guest")
LSAN_SUPPRESSIONS = os.path.join(ROOT, "test", "functional", "lsan.supp")

TOOLS = ["dpdk-testpmd", "ethtool", "ip", "iperf3", "mkfs.ext4", "nc", "nmap", "nsenter", "ping",
         "qemu-system-x86_64", "qemu-x86_64", "systemd-analyze", "tcpdump", "zsh"]


def missing():
    """What the tests need and this machine has not, as a list of texts."""
    lacks = [f"{tool} is not installed" for tool in TOOLS if not shutil.which(tool)]
    for build in dict.fromkeys([BUILD, BUILD_RELEASE]):
        for program in ("leatd", "leatctl"):
            path = os.path.join(build, program)
            if not os.access(path, os.X_OK):
                lacks.append(f"{path} is not built")
    if not os.path.exists(os.path.join(GUEST, "initramfs.gz")):
        lacks.append(f"{GUEST} has no guest: run scripts/setup")
    if os.geteuid() != 0:
        lacks.append("root is needed for network namespaces")
    return lacks
