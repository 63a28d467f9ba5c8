"""A pool is written until nothing fits any more; deleting a snapshot makes room, and hosts go on."""
import errno
import json
import os

import nbd
import pytest

import lockstep

BLOCK = 4096
SIZE = 64 << 20


@pytest.fixture
def small(make_system, folder):
    one = make_system("a").start()
    image = os.path.join(folder, "pool.img")
    with open(image, "wb") as f:
        f.truncate(640 << 20)
    one.cli("pool", "create", "p", "--path", image)
    return one


def connect(system):
    handle = nbd.NBD()
    handle.connect_uri(system.uri("p/data"))
    return handle


def fill(handle, pattern, at, upto, size=256 << 10):
    """Where it ended: the first write for which there was no space, or `upto`."""
    while at < upto:
        try:
            handle.pwrite(bytes([pattern]) * size, at)
        except nbd.Error as error:
            assert error.errnum == errno.ENOSPC, error
            return at
        at += size
    return at


def test_deleting_a_snapshot_frees_a_full_pool(small):
    small.cli("volume", "create", "p/data", "--size", "2G")
    small.cli("group", "create", "g", "p/data")
    handle = connect(small)
    fill(handle, 1, 0, SIZE)
    small.cli("group", "snapshot", "g", "--name", "old")
    fill(handle, 2, 0, SIZE)                        # what the snapshot holds is kept
    end = fill(handle, 3, SIZE, 2 << 30)
    assert SIZE <= end < 2 << 30, "the pool did not fill up"
    last = fill(handle, 3, end, 2 << 30, BLOCK)     # to the last block
    with pytest.raises(nbd.Error):
        handle.pwrite(b"\4" * BLOCK, last)
    handle.flush()
    assert handle.pread(BLOCK, 0) == b"\2" * BLOCK and handle.pread(BLOCK, last - BLOCK) == b"\3" * BLOCK
    small.cli("snapshot", "delete", "g", "old")
    more = [last]

    def goes_on():
        more.append(fill(handle, 6, more[-1], 2 << 30))
        return more[-1] >= last + (64 << 20)
    lockstep.wait_until(goes_on, 60, "64 MiB of the snapshot's space")
    handle.flush()
    handle.shutdown()
    small.kill()
    small.start()
    handle = connect(small)
    assert handle.pread(BLOCK, 0) == b"\2" * BLOCK and handle.pread(BLOCK, last) == b"\6" * BLOCK
    handle.shutdown()


def test_a_nearly_full_pool_refuses_points_in_time_before_writes(small):
    """Snapshots, clones and the like are refused with 40002 while hosts still write; deleting one lets them be made again."""
    small.cli("volume", "create", "p/data", "--size", "2G")
    small.cli("volume", "create", "p/other", "--size", "16M")
    small.cli("group", "create", "g", "p/data")
    small.cli("group", "create", "o", "p/other")
    small.cli("group", "set", "o", "--rewind-window", "1h")
    handle = connect(small)
    at = fill(handle, 1, 0, SIZE)
    small.cli("group", "snapshot", "g", "--name", "old")
    fill(handle, 2, 0, SIZE)                        # what the snapshot holds is kept
    while not small.cli("pool", "show", "p")["nearly_full"]:
        before, at = at, fill(handle, 3, at, at + (4 << 20))
        assert at > before, "writes failed before the pool was nearly full"
    points = [
        ["group", "snapshot", "g", "--name", "more"],
        ["snapshot", "clone", "g", "old", "--prefix", "c-"],
        ["replica", "create", "o", "--type", "snapshot", "--name", "s"],
        ["replica", "create", "o", "--type", "clone", "--name", "c"],
        ["token", "create", "g"],
        ["group", "rewind", "o", "--to", "latest"],
    ]
    for words in points:
        with pytest.raises(lockstep.Refused) as refused:
            small.cli(*words)
        assert refused.value.code == 1, refused.value
        error = json.loads(refused.value.text)["error"]
        assert error["return_code"] == 40002 and "pool 'p' is nearly full" in error["message"] and "snapshot list" in error["next_step"], error
    assert "NEARLY FULL" in small.run("status")[1]
    lockstep.wait_until(lambda: any(e["kind"] == "Space" and e["after"] == "nearly full" for e in small.cli("event", "list")), 30, "an event about it")
    end = fill(handle, 4, at, at + (16 << 20))
    assert end == at + (16 << 20), "a write failed in a pool that was only nearly full"
    handle.flush()

    small.cli("snapshot", "delete", "g", "old")      # that always works
    lockstep.wait_until(lambda: not small.cli("pool", "show", "p")["nearly_full"], 60, "space for more")
    small.cli("group", "snapshot", "g", "--name", "more")
    handle.shutdown()
