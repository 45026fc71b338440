# SPDX-License-Identifier: BSD-3-Clause
"""Which tests may run at once, whatever processes they are in: any, except beside one that is to be
alone."""
import contextlib
import fcntl
import os

FOLDER = os.path.dirname(os.path.dirname(__file__))


@contextlib.contextmanager
def _locked(name, how):
    with open(os.path.join(FOLDER, name), "rb") as file:
        fcntl.flock(file, how)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)  # a child that was forked has the file too


@contextlib.contextmanager
def held(alone):
    """While a test runs. Who waits to be alone is waited for by who comes later."""
    with contextlib.ExitStack() as stack:
        with _locked("conftest.py", fcntl.LOCK_EX):
            stack.enter_context(_locked("pytest.ini", fcntl.LOCK_EX if alone else fcntl.LOCK_SH))
        yield
