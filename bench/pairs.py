"""Two systems that are peers, with a group `g` of one volume on the first."""
import os

import servers


class System(servers.Lockstep):
    """One of two systems that make a pair."""

    def __init__(self, work, size, name):
        self.name = name
        super().__init__(work, size)


def pair(work, size):
    source, target = System(work, size, "source"), System(work, size, "target")
    for system in (source, target):
        system.start()
        system.cli("pool", "create", system.pool, "--path", os.path.join(system.data, "pools", system.pool))
    token = source.cli("peer", "invite")["token"]
    target.cli("peer", "join", token)
    source.cli("volume", "create", f"{source.pool}/{source.volume}", "--size", str(size))
    source.cli("group", "create", "g", f"{source.pool}/{source.volume}")
    return source, target
