"""Servers to compare: each is started on a file or volume of the same size and stopped by its process id."""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
LOCKSTEPD = os.environ.get("LOCKSTEPD", os.path.join(ROOT, "build/bin/lockstepd"))
LOCKSTEP = os.environ.get("LOCKSTEP", os.path.join(ROOT, "build/bin/lockstep"))


def wait_for(path, process, seconds=30):
    end = time.monotonic() + seconds
    while not os.path.exists(path):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode} before it listened on {path}")
        if time.monotonic() > end:
            raise RuntimeError(f"{process.args[0]} does not listen on {path}")
        time.sleep(0.02)


def stop(process):
    if process and process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Server:
    """One way to serve one volume. start() may be called again after stop(); prepare() once."""
    name = ""

    def __init__(self, work, size):
        self.work = os.path.join(work, self.name)
        self.size = size
        self.process = None
        os.makedirs(self.work, exist_ok=True)
        self.socket = os.path.join(self.work, "s")

    @property
    def uri(self):
        return f"nbd+unix:///?socket={self.socket}"

    def prepare(self):
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def start(self):
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        self.process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=open(os.path.join(self.work, "log"), "a"))
        wait_for(self.socket, self.process)

    def stop(self):
        stop(self.process)
        self.process = None

    def remove(self):
        self.stop()
        shutil.rmtree(self.work, ignore_errors=True)

    @property
    def pid(self):
        return self.process.pid


class FileServer(Server):
    @property
    def file(self):
        return os.path.join(self.work, "disk")

    def prepare(self):
        subprocess.run(["fallocate", "-l", str(self.size), self.file], check=True)


class NbdkitFile(FileServer):
    name = "nbdkit"

    def command(self):
        return ["nbdkit", "-f", "-U", self.socket, "file", self.file]


class QemuRaw(FileServer):
    cache, aio = "writeback", "io_uring"

    def command(self):
        return ["qemu-nbd", "-f", "raw", "-k", self.socket, "-t", "-e", "64", "-x", "", f"--cache={self.cache}",
                f"--aio={self.aio}", "--discard=unmap", self.file]


class QemuWriteback(QemuRaw):
    name = "qemu-writeback"


class QemuNoneUring(QemuRaw):
    name, cache = "qemu-none-uring", "none"


class QemuNoneNative(QemuRaw):
    name, cache, aio = "qemu-none-native", "none", "native"


class QemuQcow2(FileServer):
    name = "qemu-qcow2"

    def prepare(self):
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=65536,preallocation=falloc",
                        self.file, str(self.size)], check=True)

    def command(self):
        return ["qemu-nbd", "-f", "qcow2", "-k", self.socket, "-t", "-e", "64", "-x", "", "--cache=writeback",
                "--aio=io_uring", self.file]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("lockstep", timeout=300)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self.path)


class Lockstep(Server):
    name = "lockstep"
    STORAGE, OEM = "/redfish/v1/Storage/Lockstep", "/redfish/v1/Oem/Lockstep"
    pool, volume = "bench", "disk"
    arguments = []

    @property
    def data(self):
        return os.path.join(self.work, "data")

    @property
    def uri(self):
        return self.uri_of(f"{self.pool}/{self.volume}")

    def uri_of(self, volume):
        return f"nbd+unix:///{volume}?socket={self.data}/nbd.sock"

    def timed(self, method, path, body=None):
        """One REST call without a program around it: seconds, status, answer. A refusal other than "there is none" raises."""
        connection = UnixConnection(os.path.join(self.data, "control.sock"))
        begun = time.monotonic()
        connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"} if body is not None else {})
        response = connection.getresponse()
        text = response.read()
        seconds = time.monotonic() - begun
        connection.close()
        answer = json.loads(text) if text else {}
        if response.status >= 400 and response.status != 404:
            raise RuntimeError(f"{method} {path}: {response.status} {answer.get('error', {}).get('message', text)}")
        return seconds, response.status, answer

    def start(self):
        os.makedirs(self.data, exist_ok=True)
        for stale in ("nbd.sock", "control.sock"):
            if os.path.exists(os.path.join(self.data, stale)):
                os.unlink(os.path.join(self.data, stale))
        self.process = subprocess.Popen([LOCKSTEPD, "--data", self.data, "--name", os.path.basename(self.work)] + list(self.arguments),
                                        stdout=subprocess.DEVNULL, stderr=open(os.path.join(self.work, "log"), "a"))
        wait_for(os.path.join(self.data, "control.sock"), self.process, 120)
        wait_for(os.path.join(self.data, "nbd.sock"), self.process, 120)

    def cli(self, *words, check=True):
        done = subprocess.run([LOCKSTEP, "--socket", os.path.join(self.data, "control.sock"), *words, "--json"],
                              capture_output=True, text=True)
        if check and done.returncode:
            raise RuntimeError(f"lockstep {' '.join(words)}: {done.stderr or done.stdout}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def prepare(self):
        self.start()
        self.cli("pool", "create", self.pool, "--path", os.path.join(self.data, "pools", self.pool))
        self.cli("volume", "create", f"{self.pool}/{self.volume}", "--size", str(self.size))
        self.stop()


SERVERS = [Lockstep, NbdkitFile, QemuWriteback, QemuNoneUring, QemuNoneNative, QemuQcow2]
