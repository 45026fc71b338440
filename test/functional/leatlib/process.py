# SPDX-License-Identifier: BSD-3-Clause
"""Child processes whose output is collected and can be waited for."""
import re
import signal
import subprocess
import threading

from leatlib import wait


class Process:
    """A running program; its output (stdout and stderr together) grows in `output`."""

    def __init__(self, argv, stdin=False, env=None, pass_fds=()):
        self.argv = [str(arg) for arg in argv]
        guarded = ["setpriv", "--pdeathsig", "KILL", *self.argv]  # none outlives a killed run
        self.output = ""
        self.lock = threading.Lock()
        self.child = subprocess.Popen(
            guarded, stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, pass_fds=pass_fds,
            start_new_session=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            data = self.child.stdout.read1(65536)
            if not data:
                return
            with self.lock:
                self.output += data.decode(errors="replace")

    @property
    def pid(self):
        return self.child.pid

    def alive(self):
        return self.child.poll() is None

    def mark(self):
        """A place in the output, to search from."""
        with self.lock:
            return len(self.output)

    def text(self, start=0):
        with self.lock:
            return self.output[start:]

    def write(self, text):
        self.child.stdin.write(text.encode())
        self.child.stdin.flush()

    def expect(self, pattern, seconds, start=0):
        """Wait until the output after `start` matches the regular expression; the match."""
        compiled = re.compile(pattern, re.MULTILINE)

        def found():
            match = compiled.search(self.text(start))
            if match is None and not self.alive():
                self.reader.join(5)
                match = compiled.search(self.text(start))
                assert match, (f"{self.argv[0]} ended with {self.child.returncode} before "
                               f"{pattern!r}:\n{self.text(start)[-4000:]}")
            return match
        return wait.until(found, seconds, lambda: (
            f"{pattern!r} from {self.argv[0]}; it said:\n{self.text(start)[-4000:]}"))

    def wait(self, seconds):
        """Wait for the end; the exit code, negative for a signal."""
        try:
            code = self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.argv[0]} (pid {self.pid}) still runs after "
                                 f"{seconds} s:\n{self.text()[-4000:]}") from None
        self.reader.join(5)
        return code

    def kill(self, signum=signal.SIGKILL):
        """Send a signal; with SIGKILL, wait for the end."""
        if self.alive():
            self.child.send_signal(signum)
        if signum == signal.SIGKILL:
            self.wait(10)
            self.close()

    def close(self):
        """Give back the pipes of a program that has ended."""
        for pipe in (self.child.stdin, self.child.stdout):
            if pipe:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass


def run(argv, seconds=20, check=True, stdin=None):
    """Run to the end and give CompletedProcess with text output; AssertionError if it fails."""
    argv = [str(arg) for arg in argv]
    try:
        done = subprocess.run(argv, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as late:
        raise AssertionError(f"{' '.join(argv)}: not done after {seconds} s: "
                             f"{late.stdout} {late.stderr}") from None
    if check:
        assert done.returncode == 0, (f"{' '.join(argv)}: exit {done.returncode}\n"
                                      f"{done.stdout}{done.stderr}")
    return done
