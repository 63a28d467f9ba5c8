"""What the demonstration is made of: systems, mounted volumes, PostgreSQL. Each cleans up after itself."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOCKSTEPD = os.path.join(ROOT, "build/bin/lockstepd")
LOCKSTEP = os.path.join(ROOT, "build/bin/lockstep")
PG = max(__import__("glob").glob("/usr/lib/postgresql/*/bin"), default="/usr/lib/postgresql/15/bin")


def say(text):
    print(f"\033[1m-- {text}\033[0m" if sys.stdout.isatty() else f"-- {text}", flush=True)


def run(*words, check=True, timeout=120, **more):
    done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, **more)
    if check and done.returncode:
        sys.exit(f"demo: {' '.join(words)} failed:\n{done.stderr}{done.stdout}")
    return done.stdout.strip()


def wait_for(true, what, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            sys.exit(f"demo: waited {seconds} s for {what}")
        time.sleep(0.05)


class Demo:
    """Holds everything that was made; undoes it in reverse order, whatever happens."""

    def __init__(self, keep):
        self.keep, self.made = keep, []
        self.folder = tempfile.mkdtemp(prefix="lockstep-demo-", dir="/var/tmp")
        os.chmod(self.folder, 0o755)
        self.kept = False

    def add(self, part):
        self.made.append(part)
        return part

    def add_process(self, process):
        self.made.append(Process(process))
        return process

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for part in reversed(self.made):
            if self.kept and isinstance(part, System):
                continue
            part.drop()
        if not self.kept:
            shutil.rmtree(self.folder, ignore_errors=True)
        return False

    def tell_next_commands(self, a, b):
        self.kept = True
        pids = " ".join(str(s.process.pid) for s in (a, b))
        print(f"""Both systems are running. Try:
  alias on-a='{LOCKSTEP} --socket {a.data}/control.sock'
  alias on-b='{LOCKSTEP} --socket {b.data}/control.sock'
  on-b status                              b serves, and a has come back
  on-b replica reverse db-mirror --dry-run what would happen if a became b's target
  on-b replica reverse db-mirror && on-b replica resume db-mirror
  on-a status --watch
  nbdinfo --list 'nbd+unix:///?socket={b.data}/nbd.sock'
When done:
  kill {pids}; rm -r {self.folder}
""")


class Process:
    def __init__(self, process):
        self.process = process

    def drop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class System:
    def __init__(self, folder, name):
        self.name, self.data, self.process = name, os.path.join(folder, name), None

    def start(self):
        os.makedirs(self.data, exist_ok=True)
        self.process = subprocess.Popen([LOCKSTEPD, "--data", self.data, "--name", self.name], stdout=subprocess.DEVNULL,
                                        stderr=open(os.path.join(self.data, "log"), "a"), start_new_session=True)
        wait_for(lambda: subprocess.run([LOCKSTEP, "--socket", f"{self.data}/control.sock", "pool", "list"], capture_output=True).returncode == 0,
                 f"system {self.name}")

    def cli(self, *words):
        answer = run(LOCKSTEP, "--socket", f"{self.data}/control.sock", *words, "--json", timeout=240)
        return json.loads(answer) if answer else None

    def show(self, *words):
        """As a person would run it: what it prints is seen."""
        print(f"   $ lockstep {' '.join(words)}", flush=True)
        done = subprocess.run([LOCKSTEP, "--socket", f"{self.data}/control.sock", *words], timeout=240)
        if done.returncode:
            sys.exit(f"demo: lockstep {' '.join(words)} on {self.name} failed")

    def uri(self, volume):
        return f"nbd+unix:///{volume}?socket={self.data}/nbd.sock"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def drop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None


class Mounted:
    """ext4 on a volume: NBD to FUSE, a loop device, a mount."""

    def __init__(self, folder, tag, uri, format_first=False):
        self.fuse_path, self.path = os.path.join(folder, f"nbd-{tag}"), os.path.join(folder, f"mnt-{tag}")
        self.device = self.fuse = None
        for path in (self.fuse_path, self.path):
            os.makedirs(path)
        self.fuse = subprocess.Popen(["nbdfuse", self.fuse_path, uri], stderr=subprocess.DEVNULL, start_new_session=True)
        file = os.path.join(self.fuse_path, "nbd")
        wait_for(lambda: os.path.exists(file), "nbdfuse", 20)
        self.device = run("losetup", "--find", "--show", file)
        if format_first:
            run("mkfs.ext4", "-q", "-F", self.device)
        run("mount", "-t", "ext4", self.device, self.path)

    def drop(self):
        run("umount", self.path, check=False) if self.device is None else run("umount", "-l", self.path, check=False)
        if self.device:
            run("losetup", "-d", self.device, check=False)
            self.device = None
        if self.fuse:
            run("fusermount3", "-u", "-z", self.fuse_path, check=False)
            try:
                self.fuse.wait(10)
            except subprocess.TimeoutExpired:
                self.fuse.kill()
                self.fuse.wait()
            self.fuse = None


class Postgres:
    def __init__(self, folder, tag, data, wal):
        self.data, self.wal = os.path.join(data, "pg"), os.path.join(wal, "pg_wal")
        self.socket, self.port = os.path.join(folder, f"pg-{tag}"), "5432"
        self.log = os.path.join(self.socket, "log")
        self.process = None
        os.makedirs(self.socket)
        for path in (data, wal, self.socket):
            run("chown", "postgres:postgres", path)

    def as_postgres(self, *words):
        return ["runuser", "-u", "postgres", "--", *words]

    def create(self):
        run(*self.as_postgres(f"{PG}/initdb", "-D", self.data, "--waldir", self.wal, "-A", "trust", "-U", "postgres", "--no-instructions"), timeout=240)

    def adopt(self, other):
        """The copy names its log by the path of the original: point it to where the log is now."""
        link = os.path.join(self.data, "pg_wal")
        os.unlink(link)
        os.symlink(self.wal, link)
        run("chown", "-h", "postgres:postgres", link)
        pid = os.path.join(self.data, "postmaster.pid")
        if os.path.exists(pid):
            os.unlink(pid)

    def start(self):
        self.process = subprocess.Popen(self.as_postgres(f"{PG}/postgres", "-D", self.data, "-k", self.socket, "-p", self.port, "-c", "listen_addresses=", "-c", "fsync=on"),
                                        stdout=subprocess.DEVNULL, stderr=open(self.log, "a"), start_new_session=True)
        ready = lambda: subprocess.run([f"{PG}/pg_isready", "-q", "-h", self.socket, "-p", self.port, "-U", "postgres"]).returncode == 0
        wait_for(ready, f"PostgreSQL (its log: {self.log})", 90)

    def sql(self, text):
        return run("psql", "-h", self.socket, "-p", self.port, "-U", "postgres", "-X", "-A", "-t", "-q", "-c", text, "postgres")

    def _server_pids(self):
        """The server and its children: of our own process only."""
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            try:
                with open(f"/proc/{pid}/task/{pid}/children") as f:
                    todo += [int(p) for p in f.read().split()]
            except OSError:
                pass
        return found

    def kill(self):
        if self.process is None:
            return
        for pid in reversed(self._server_pids()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process = None

    def drop(self):
        if self.process is None:
            return
        for pid in self._server_pids()[1:2] or [self.process.pid]:
            try:
                os.kill(pid, signal.SIGINT)   # fast shutdown
            except ProcessLookupError:
                pass
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None
