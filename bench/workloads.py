"""What fio is asked to do. Each workload yields operations (or bytes) a second, the flush at the end included where it writes."""
import json
import subprocess
from dataclasses import dataclass

import measure


@dataclass(frozen=True)
class Workload:
    name: str
    rw: str
    block: str = "4k"
    depth: int = 16
    jobs: int = 1
    fsync: int = 0
    target: float = 1.0        # wanted: at least this times the best rival

    @property
    def writes(self):
        return "write" in self.rw

    def run(self, server, seconds):
        """Operations a second, server CPU microseconds an operation, 99th percentile latency in milliseconds."""
        command = ["fio", "--name=b", "--ioengine=nbd", f"--uri={server.uri}", f"--rw={self.rw}", f"--bs={self.block}",
                   f"--iodepth={self.depth}", f"--numjobs={self.jobs}", f"--size={server.size}", "--time_based",
                   f"--runtime={seconds}", "--group_reporting", "--thread", "--randrepeat=0", "--norandommap",
                   "--output-format=json"]
        if self.fsync:
            command.append(f"--fsync={self.fsync}")
        before = measure.cpu_seconds(server.pid)
        with measure.Stopwatch() as watch:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds * 3 + 300)
        if done.returncode:
            raise RuntimeError(f"fio {self.name} on {server.name}: {done.stderr or done.stdout}")
        text = done.stdout[done.stdout.index("{"):]
        side = json.loads(text)["jobs"][0]["write" if self.writes else "read"]
        elapsed = side["runtime"] / 1000
        if self.writes:
            elapsed += measure.flush_seconds(server.uri)
        cpu = measure.cpu_seconds(server.pid) - before
        ops = side["total_ios"]
        return {"per_second": ops / elapsed, "mib_per_second": side["io_bytes"] / elapsed / 2**20, "cpu_us": cpu / max(ops, 1) * 1e6,
                "p99_ms": side["clat_ns"].get("percentile", {}).get("99.000000", 0) / 1e6, "wall": watch.seconds}


WORKLOADS = [
    Workload("randwrite-qd16", "randwrite", target=2.0),
    Workload("randwrite-qd1", "randwrite", depth=1, target=1.1),
    Workload("fsync-qd1", "randwrite", depth=1, fsync=1, target=1.2),
    Workload("fsync-16-jobs", "randwrite", depth=1, jobs=16, fsync=1, target=2.0),
    Workload("randread-qd16", "randread", target=0.9),
    Workload("seqwrite-1m", "write", block="1m", depth=4, target=0.9),
    Workload("seqread-1m", "read", block="1m", depth=4, target=0.9),
]


def fill(server):
    """Writes the whole volume once, with data that does not compress."""
    subprocess.run(["fio", "--name=fill", "--ioengine=nbd", f"--uri={server.uri}", "--rw=write", "--bs=1m", "--iodepth=8",
                    f"--size={server.size}", "--refill_buffers", "--end_fsync=1", "--thread", "--output-format=json"],
                   capture_output=True, check=True, timeout=1800)


def warm(server):
    """Reads the whole volume once, so that what fits is in the page cache."""
    subprocess.run(["fio", "--name=warm", "--ioengine=nbd", f"--uri={server.uri}", "--rw=read", "--bs=1m", "--iodepth=8",
                    f"--size={server.size}", "--thread", "--output-format=json"], capture_output=True, check=True, timeout=1800)
