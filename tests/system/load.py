"""A host that follows a group wherever it is served: writes numbered blocks until it is told to stop, noting every answer."""
import itertools
import random
import threading
import time

import nbd
import numbered


class Load:
    """Writes to whichever of `places` (lists of export addresses, one list per end) takes writes; goes on with another when one goes away.

    `most`: ends by itself after that many blocks, none of them written twice."""

    def __init__(self, places, notes, seed, most=None):
        self.places, self.notes, self.seed = places, notes, seed
        self.first = notes.next_number
        self.stopping, self.failure = False, None
        self.choose = None
        if most is not None:
            once = random.Random(seed).sample(list(itertools.product(range(notes.volumes), range(notes.blocks))), most)
            self.choose = lambda: once.pop() if once else None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self.thread.start()
        return self

    def blocks(self):
        """Written to, answered or not."""
        return {self.notes.submitted[number][1:] for number in range(self.first, self.notes.next_number)}

    def wait_answered(self, count, seconds=30):
        first = self.first
        end = time.monotonic() + seconds
        while sum(1 for number in list(self.notes.answered) if number >= first) < count:
            assert time.monotonic() < end and self.thread.is_alive(), f"fewer than {count} writes were answered in {seconds} s: {self.failure}"
            time.sleep(0.01)

    def stop(self):
        """Returns when nothing is in flight any more."""
        self.stopping = self.choose is None
        self.thread.join(60)
        assert not self.thread.is_alive(), "a write was neither answered nor refused within 60 s"
        if self.failure is not None:
            raise self.failure
        return self

    def _run(self):
        try:
            for turn in itertools.count():
                for place in self.places:
                    if self.stopping or self._writes_all(place, self.seed * 1000 + turn):
                        return
                time.sleep(0.02)
        except Exception as failure:   # told by stop()
            self.failure = failure

    def _writes_all(self, uris, seed):
        try:
            writer = numbered.Writer(uris, self.notes, seed, choose=self.choose)
        except nbd.Error:
            return False   # not there, or not let in, at present
        if any(handle.is_read_only() for handle in writer.handles):
            return False
        writer.run(lambda: self.stopping)
        alive = all(handle.aio_is_ready() or handle.aio_is_processing() for handle in writer.handles)
        if alive:
            writer.finish()
        return alive
