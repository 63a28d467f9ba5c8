"""PostgreSQL on a volume: ext4 over NBD, FUSE and a loop device; the server runs as the user postgres. Everything made is undone."""
import contextlib
import glob
import os
import signal
import subprocess

import lockstep
from test_filesystems import block_device, run

PG = max(glob.glob("/usr/lib/postgresql/*/bin"), default=None)
missing = PG is None or not os.path.exists("/dev/fuse") or not os.path.exists("/dev/loop-control")


@contextlib.contextmanager
def mounted(folder, uri, tag, fresh=False):
    path = os.path.join(folder, f"mnt-{tag}")
    os.makedirs(path)
    with block_device(folder, uri, tag) as device:
        if fresh:
            run("mkfs.ext4", "-q", "-F", device)
        run("mount", "-t", "ext4", device, path)
        try:
            yield path
        finally:
            run("umount", path, check=False)
            run("umount", "-l", path, check=False)


class Server:
    def __init__(self, folder, tag, volume):
        self.data, self.socket = os.path.join(volume, "pg"), os.path.join(folder, f"pg-{tag}")
        self.process = None
        os.makedirs(self.socket)
        os.chmod(folder, 0o755)
        run("chown", "postgres:postgres", self.socket)

    def _as_postgres(self, *words):
        return ["runuser", "-u", "postgres", "--", *words]

    def create(self):
        os.makedirs(self.data)
        run("chown", "postgres:postgres", self.data)
        run(*self._as_postgres(f"{PG}/initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-instructions"), timeout=300)

    @contextlib.contextmanager
    def running(self):
        """A crash-consistent copy begins with the recovery that PostgreSQL does after any power cut."""
        pid = os.path.join(self.data, "postmaster.pid")
        if os.path.exists(pid):
            os.unlink(pid)
        self.process = subprocess.Popen(self._as_postgres(f"{PG}/postgres", "-D", self.data, "-k", self.socket, "-c", "listen_addresses=", "-c", "fsync=on"),
                                        stdout=subprocess.DEVNULL, stderr=open(os.path.join(self.socket, "log"), "a"), start_new_session=True)
        try:
            ready = lambda: subprocess.run([f"{PG}/pg_isready", "-q", "-h", self.socket, "-U", "postgres"]).returncode == 0
            lockstep.wait_until(ready, 90, "PostgreSQL")
            yield self
        finally:
            self._stop()

    def _stop(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
            server = [int(pid) for pid in f.read().split()] or [self.process.pid]
        os.kill(server[0], signal.SIGINT)   # fast shutdown
        self.process.wait(60)

    def sql(self, text):
        return run("psql", "-h", self.socket, "-U", "postgres", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", text, "postgres", timeout=120).stdout.strip()
