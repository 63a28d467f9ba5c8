"""What is measured besides fio's own figures: CPU time of a server, time of a flush, medians."""
import os
import statistics
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


def children_of(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as f:
                found += [int(p) for p in f.read().split()]
    except FileNotFoundError:
        pass
    return found


def cpu_seconds(pid):
    """User and system time of a process, all its threads and its living children."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return 0.0
    own = (int(fields[11]) + int(fields[12])) / TICK
    return own + sum(cpu_seconds(child) for child in children_of(pid))


FLUSH = """
import nbd, sys, time
h = nbd.NBD()
h.connect_uri(sys.argv[1])
start = time.monotonic()
h.flush()
print(time.monotonic() - start)
h.shutdown()
"""


def flush_seconds(uri):
    done = subprocess.run(["/usr/bin/python3", "-c", FLUSH, uri], capture_output=True, text=True, check=True, timeout=300)
    return float(done.stdout)


def median(values):
    return statistics.median(values) if values else None


class Stopwatch:
    def __enter__(self):
        self.start = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.start
