"""What travels on the way back is what either end changed since they parted, and it is told beforehand."""
import pytest

import lockstep
import numbered
from load import Load

BLOCKS = 4096
CHANGED = 1500   # blocks, on either end
MOST = 1.05


def uris(system):
    return [system.uri("p/data"), system.uri("p/wal")]


def write(system, notes, seed, count=CHANGED):
    """Blocks that were written, each once."""
    load = Load([uris(system)], notes, seed, most=count).start().stop()
    return load.blocks()


def parted_by_split(a, b, notes):
    a.cli("replica", "split", "r")
    branch = notes.fork(numbered.read_numbers(uris(b), BLOCKS), notes.next_number + 1_000_000)
    return write(a, notes, 1), write(b, branch, 2)


def parted_by_failover(a, b, notes):
    """The source dies while it is ahead of a target that answers nothing."""
    b.pause()
    load = Load([uris(a)], notes, 1, most=CHANGED).start().stop()
    a.kill()
    b.resume()
    b.cli("replica", "failover", "r")
    opened = numbered.read_numbers(uris(b), BLOCKS)
    branch = notes.fork(opened, notes.next_number + 1_000_000)
    there = write(b, branch, 2)
    a.start()
    here = numbered.read_numbers(uris(a), BLOCKS)
    ahead = {place for place, number in here.items() if number != opened[place]}
    assert ahead <= load.blocks() and len(ahead) > CHANGED / 2
    return ahead, there


WAYS = {"failback": parted_by_failover, "reverse": parted_by_failover, "restore": parted_by_split, "resync": parted_by_split}


@pytest.mark.parametrize("way", WAYS)
def test_what_travels_is_the_union_of_both_sides_changes(pair, way):
    a, b = pair
    a.make_volumes("data", "wal", size=f"{BLOCKS * 4}K")
    a.cli("group", "create", "g", "p/data", "p/wal")
    a.cli("replica", "create", "g", "--type", "mirror", "--to", "b", "--mode", "async", "--name", "r")
    notes = numbered.Notes(2, BLOCKS)
    write(a, notes, 0, 2 * BLOCKS)   # no holes: zeroes cost nothing on the way
    lockstep.wait_until(lambda: a.replica("r")["backlog_bytes"] == 0 and a.replica("r")["lag_seconds"] == 0, 30, "an empty backlog")
    here, there = WAYS[way](a, b, notes)
    union = len(here | there) * numbered.BLOCK
    sent = lambda: sum(one.replica("r")["sent_bytes"] for one in (a, b))
    before = sent()
    forecast = b.cli("replica", way, "r", "--dry-run")
    b.cli("replica", way, "r")
    if way == "reverse":
        b.cli("replica", "resume", "r")
    for one in (a, b):
        one.wait_state("r", "Synchronized")
    moved = sent() - before
    print("moved", moved, "union", union, "forecast", forecast["bytes"], "here", len(here)*4096, "there", len(there)*4096, [(one.replica("r")["role"], one.replica("r")["sent_bytes"], one.replica("r")["received_bytes"]) for one in (a, b)], "before", before)
    assert moved <= MOST * union, f"{moved} bytes were sent, {union} had changed"
    assert union / MOST <= forecast["bytes"] <= MOST * (len(here) + len(there)) * numbered.BLOCK, forecast
    assert moved >= union
