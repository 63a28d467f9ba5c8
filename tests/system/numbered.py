"""A writer whose every write carries its number, and who notes outside which ones were answered.

Many writes are in flight at once over several volumes, never two on the same block. After a crash the notes say
what must be there (every answered write) and what a prefix of the write order may hold."""
import random
import struct
import time

import nbd

BLOCK = 4096


def block_of(number):
    head = struct.pack("<QQ", number, number * 0x9E3779B97F4A7C15 % 2**64)
    return head * (BLOCK // 16)


def number_in(block):
    """The number a block carries; 0 for zeroes; an error for anything else."""
    number, check = struct.unpack_from("<QQ", block)
    if block != (block_of(number) if number else bytes(BLOCK)):
        raise AssertionError(f"a block is neither whole nor zero: it begins with number {number}, check {check:x}")
    return number


class Notes:
    """What was submitted and answered. Ticks order the two kinds of event."""

    def __init__(self, volumes, blocks):
        self.volumes, self.blocks = volumes, blocks
        self.tick = 0
        self.next_number = 1
        self.submitted = {}    # number -> (tick, volume, block)
        self.answered = {}     # number -> tick
        self.history = {}      # (volume, block) -> numbers, oldest first

    def submit(self, volume, block):
        self.tick += 1
        number = self.next_number
        self.next_number += 1
        self.submitted[number] = (self.tick, volume, block)
        self.history.setdefault((volume, block), []).append(number)
        return number

    def answer(self, number):
        self.tick += 1
        self.answered[number] = self.tick

    def newest_answered(self):
        newest = {}
        for number in self.answered:
            _, volume, block = self.submitted[number]
            newest[volume, block] = max(newest.get((volume, block), 0), number)
        return newest

    def check_nothing_answered_is_lost(self, found):
        """`found`: (volume, block) -> number read there."""
        for place, number in self.newest_answered().items():
            assert found[place] >= number, f"volume {place[0]} block {place[1]}: write {number} was answered, {found[place]} is there"
        self.check_written_there(found)

    def check_is_prefix(self, found):
        """Whatever was answered before a write that is there was submitted is there too, on every volume."""
        self.check_written_there(found)
        newest_submit = max((self.submitted[number][0] for number in found.values() if number), default=0)
        for number, tick in self.answered.items():
            if tick < newest_submit:
                _, volume, block = self.submitted[number]
                assert found[volume, block] >= number, (f"not a prefix: write {number} (volume {volume} block {block}) was answered before a write "
                                                        f"that is there was even sent, and {found[volume, block]} is there instead")

    def check_written_there(self, found):
        for (volume, block), number in found.items():
            assert number == 0 or (number in self.submitted and self.submitted[number][1:] == (volume, block)), f"write {number} turned up on volume {volume} block {block}"

    def fork(self, found, first_number):
        """Another branch of history: it begins with the state that was found, and numbers its writes from `first_number`."""
        branch = Notes(self.volumes, self.blocks)
        branch.next_number, branch.tick = first_number, self.tick
        branch.submitted, branch.answered = dict(self.submitted), dict(self.answered)
        branch.forget_all_but(found)
        return branch

    def forget_all_but(self, found):
        """The state that was found is the new beginning: what was not there never happened."""
        for place, number in found.items():
            self.history[place] = [number]
        keep = {number for number in found.values() if number}
        self.submitted = {number: self.submitted[number] for number in keep}
        self.answered = {number: self.answered.get(number, 0) for number in keep}


def read_numbers(uris, blocks):
    found = {}
    for volume, uri in enumerate(uris):
        handle = nbd.NBD()
        handle.connect_uri(uri)
        data = handle.pread(blocks * BLOCK, 0)
        handle.shutdown()
        for block in range(blocks):
            found[volume, block] = number_in(data[block * BLOCK:(block + 1) * BLOCK])
    return found


class Writer:
    """Writes until the connection breaks, `until()` says so or `choose()`, which names (volume, block), has nothing left."""

    def __init__(self, uris, notes, seed, depth=16, flush_every=64, choose=None):
        self.notes, self.depth, self.flush_every = notes, depth, flush_every
        self.random = random.Random(seed)
        self.choose = choose or (lambda: (self.random.randrange(len(self.handles)), self.random.randrange(notes.blocks)))
        self.handles = []
        for uri in uris:
            handle = nbd.NBD()
            handle.connect_uri(uri)
            self.handles.append(handle)

    def run(self, until):
        busy, pending = set(), []
        try:
            while not until():
                while len(pending) < self.depth:
                    place = self.choose()
                    if place is None:
                        break
                    if place in busy:
                        continue
                    volume, block = place
                    number = self.notes.submit(volume, block)
                    cookie = self.handles[volume].aio_pwrite(nbd.Buffer.from_bytearray(bytearray(block_of(number))), block * BLOCK)
                    busy.add((volume, block))
                    pending.append((volume, cookie, block, number))
                    if number % self.flush_every == 0:
                        pending.append((volume, self.handles[volume].aio_flush(), None, None))
                for handle in self.handles:
                    handle.poll(0)
                still = []
                for volume, cookie, block, number in pending:
                    if self.handles[volume].aio_command_completed(cookie):
                        if number is not None:
                            self.notes.answer(number)
                            busy.discard((volume, block))
                    else:
                        still.append((volume, cookie, block, number))
                if not still and place is None:
                    return self
                if len(still) == len(pending):
                    time.sleep(0.0002)
                pending = still
        except nbd.Error:
            pass   # the server went away: that is the point
        return self

    def finish(self, seconds=30):
        """Waits for all answers: for an end without a crash."""
        for handle in self.handles:
            end = time.monotonic() + seconds
            while handle.aio_in_flight() > 0 and time.monotonic() < end:
                handle.poll(100)
