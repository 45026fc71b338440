# SPDX-License-Identifier: BSD-3-Clause
"""One leatd: started on its own socket, waited for, watched, stopped and examined."""
import os
import re
import shutil
import signal
import socket
import tempfile

from leatlib import paths, wait
from leatlib.process import Process
from leatlib.rpc import Rpc

START_SECONDS = 30
STOP_SECONDS = 30
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:")


def sanitizer_env():
    """The environment under which a sanitizer's finding ends the daemon with exit code 99."""
    env = dict(os.environ)
    env["ASAN_OPTIONS"] = "exitcode=99:detect_leaks=1:detect_stack_use_after_return=0"
    env["LSAN_OPTIONS"] = f"exitcode=99:suppressions={paths.LSAN_SUPPRESSIONS}:print_suppressions=0"
    env["UBSAN_OPTIONS"] = "exitcode=99:halt_on_error=1:print_stacktrace=1"
    return env


class Daemon:
    """A leatd and one control connection to it (`rpc`)."""

    def __init__(self, release=False, workers=paths.WORKERS, memory=128, extra=(), state_dir=None,
                 start=True, directory=None):
        self.binary = os.path.join(paths.BUILD_RELEASE if release else paths.BUILD, "leatd")
        self.ctl = os.path.join(paths.BUILD_RELEASE if release else paths.BUILD, "leatctl")
        self.own_directory = directory is None
        self.directory = directory or tempfile.mkdtemp(prefix="leat-", dir="/tmp")
        self.socket = os.path.join(self.directory, "leatd.sock")
        state = ["--state-dir", state_dir] if state_dir else ["--no-state"]
        self.argv = [self.binary, "--socket", self.socket, *state, "--workers", workers,
                     "--memory", str(memory), *extra]
        self.env = {}  # beyond its usual environment
        self.process = None
        self.rpc = None
        if start:
            self.start()

    def start(self):
        """Start it and wait for its READY=1."""
        notify = os.path.join(self.directory, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(notify)
            env = {**sanitizer_env(), **self.env}
            env["NOTIFY_SOCKET"] = notify
            self.process = Process(self.argv, env=env)
            ready.setblocking(False)

            def told():
                try:
                    return b"READY=1" in ready.recv(4096)
                except BlockingIOError:
                    assert self.process.alive(), "leatd ended:\n" + self.log()
                    return False
            try:
                wait.until(told, START_SECONDS, lambda: "READY=1 of leatd:\n" + self.log())
            except AssertionError:
                self.process.kill()
                raise
            finally:
                os.unlink(notify)
        self.rpc = Rpc(self.socket)

    def kill(self, signum=signal.SIGKILL):
        """End it by a signal, in whatever it is doing."""
        if self.rpc:
            self.rpc.close()
            self.rpc = None
        self.process.kill(signum)
        if signum != signal.SIGKILL:
            self.process.wait(STOP_SECONDS)
            self.process.close()

    def restart(self, signum=signal.SIGKILL):
        """End it by a signal and start it again."""
        self.kill(signum)
        self.start()

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.process.text() if self.process else ""

    def alive(self):
        return self.process is not None and self.process.alive()

    def path(self, name):
        """A path for a socket of a test, short enough for sun_path."""
        return os.path.join(self.directory, name)

    def stop(self):
        """SIGTERM; then exit code 0, no sanitizer's word, no control socket left."""
        if self.rpc:
            self.rpc.close()
            self.rpc = None
        self.process.kill(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS)
        except AssertionError:
            self.process.kill(signal.SIGABRT)
            raise
        self.process.close()
        assert not SANITIZER.search(self.log()), "a sanitizer complained:\n" + self.log()[-12000:]
        assert code == 0, f"leatd ended with {code}:\n{self.log()[-6000:]}"
        assert not os.path.exists(self.socket), "the control socket outlived leatd"

    def close(self):
        """End it if it still runs, without a judgement, and remove its directory."""
        if self.rpc:
            self.rpc.close()
            self.rpc = None
        if self.process:
            self.process.kill()
        if self.own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def open_files(self):
        """How many file descriptors it has."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))
