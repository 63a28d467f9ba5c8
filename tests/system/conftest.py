"""Folders and systems for each test; everything started is stopped, by its own process id."""
import os
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lockstep  # noqa: E402


# Files that take longest, begun first so that a parallel run does not end waiting for one of them.
LONG = ["test_sigkill.py", "test_nbd_clients.py", "test_three_systems.py", "test_outage.py", "test_full_pool.py", "test_cycles.py", "test_cim.py"]


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.fixture
def folder():
    path = tempfile.mkdtemp(prefix="lockstep-test-", dir="/var/tmp")
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def make_system(folder):
    made = []

    def make(name, *arguments):
        system = lockstep.System(folder, name, *arguments)
        made.append(system)
        return system
    yield make
    for system in made:
        if system.process is not None:
            system.process.kill()
            system.process.wait()


@pytest.fixture
def system(make_system):
    """One running system with a pool `p`."""
    one = make_system("a").start()
    one.make_pool()
    return one


@pytest.fixture
def pair(make_system):
    """Two running systems, `a` and `b`, peers of each other, each with a pool `p`."""
    a, b = make_system("a").start(), make_system("b").start()
    for one in (a, b):
        one.make_pool()
    lockstep.pair_up(a, b)
    return a, b
