"""Systems under test: each is a real lockstepd in a folder of its own, driven by the real lockstep command."""
import itertools
import json
import os
import signal
import socket
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("LOCKSTEP_BIN", os.path.join(ROOT, "build/bin"))
LOCKSTEPD = os.path.join(BIN, "lockstepd")
LOCKSTEP = os.path.join(BIN, "lockstep")


class Refused(Exception):
    def __init__(self, words, code, text):
        super().__init__(f"lockstep {' '.join(words)}: exit {code}: {text}")
        self.code, self.text = code, text


def wait_until(true, seconds=30, what="the condition"):
    end = time.monotonic() + seconds
    while True:
        value = true()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true within {seconds} s")
        time.sleep(0.02)


def _free_ports():
    """Each worker of a parallel run has a thousand of its own, below those that the kernel gives to clients; where it begins differs from run to run."""
    first = 20000 + 1000 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 12)
    for offset in itertools.count(os.getpid()):
        port = first + offset % 1000
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port


_ports = _free_ports()


def free_port():
    """A port of localhost that nobody listens on."""
    return next(_ports)


class System:
    def __init__(self, folder, name, *arguments):
        self.name = name
        self.data = os.path.join(str(folder), name)
        self.arguments = list(arguments)
        self.process = None
        os.makedirs(self.data, exist_ok=True)

    @property
    def control(self):
        return os.path.join(self.data, "control.sock")

    @property
    def log(self):
        return os.path.join(self.data, "test.log")

    def start(self, seconds=60):
        """Returns when the system answers."""
        assert self.process is None
        self.process = subprocess.Popen([LOCKSTEPD, "--data", self.data, "--name", self.name, *self.arguments],
                                        stdout=subprocess.DEVNULL, stderr=open(self.log, "a"))

        def answers():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n" + self.log_tail())
            return subprocess.run([LOCKSTEP, "--socket", self.control, "pool", "list", "--json"], capture_output=True).returncode == 0
        wait_until(answers, seconds, f"{self.name} answering")
        return self

    def log_tail(self, most=3000):
        with open(self.log, errors="replace") as f:
            return f.read()[-most:]

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        """Clean: SIGTERM, exit code 0 expected."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.process = None
            raise AssertionError(f"{self.name} does not end on SIGTERM:\n" + self.log_tail())
        self.process = None
        return code

    def run(self, *words, timeout=120):
        """exit code, standard output, standard error"""
        done = subprocess.run([LOCKSTEP, "--socket", self.control, *words], capture_output=True, text=True, timeout=timeout)
        return done.returncode, done.stdout, done.stderr

    def cli(self, *words, timeout=120):
        """The answer as JSON; Refused when the exit code is not 0."""
        code, out, err = self.run(*words, "--json", timeout=timeout)
        if code:
            raise Refused(words, code, err or out)
        return json.loads(out) if out.strip() else None

    def uri(self, volume):
        return f"nbd+unix:///{volume}?socket={self.data}/nbd.sock"

    def make_pool(self, name="p"):
        self.cli("pool", "create", name, "--path", os.path.join(self.data, "pools", name))

    def make_volumes(self, *names, size="64M", pool="p"):
        for name in names:
            self.cli("volume", "create", f"{pool}/{name}", "--size", size)

    def replica(self, name):
        return self.cli("replica", "show", name)

    def wait_state(self, relationship, *states, seconds=60):
        seen = {}

        def there():
            nonlocal seen
            seen = self.replica(relationship)
            return seen["copy_state"] in states
        try:
            wait_until(there, seconds)
        except AssertionError:
            raise AssertionError(f"{relationship} on {self.name} is not {' or '.join(states)} after {seconds} s: {json.dumps(seen)}\n" + self.log_tail())
        return seen


def pair_up(source, target):
    """Makes peers of two running systems."""
    token = source.cli("peer", "invite")["token"]
    target.cli("peer", "join", token)
