"""File systems on volumes: through nbdfuse and a loop device; clean after the daemon was killed and came back."""
import contextlib
import os
import subprocess
import time

import pytest

import lockstep


def run(*words, check=True, timeout=180):
    done = subprocess.run(words, capture_output=True, text=True, timeout=timeout)
    if check:
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}\n{done.stdout}"
    return done


@contextlib.contextmanager
def block_device(folder, uri, tag):
    """A loop device on a volume."""
    mount = os.path.join(folder, f"fuse-{tag}")
    os.makedirs(mount, exist_ok=True)
    fuse = subprocess.Popen(["nbdfuse", mount, uri], stderr=subprocess.DEVNULL)
    device = None
    try:
        lockstep.wait_until(lambda: os.path.exists(os.path.join(mount, "nbd")), 20, "nbdfuse")
        device = run("losetup", "--find", "--show", os.path.join(mount, "nbd")).stdout.strip()
        yield device
    finally:
        if device:
            run("losetup", "-d", device, check=False)
            lockstep.wait_until(lambda: not run("losetup", "-j", os.path.join(mount, "nbd"), check=False).stdout, 20, "the loop device going away")
        run("fusermount3", "-u", mount, check=False)
        try:
            fuse.wait(20)
        except subprocess.TimeoutExpired:
            fuse.kill()
            fuse.wait()
        run("umount", "-l", mount, check=False)


CASES = [("ext4", ["mkfs.ext4", "-q", "-F"], ["e2fsck", "-f", "-n"]), ("xfs", ["mkfs.xfs", "-q", "-f"], ["xfs_repair", "-n"])]


@pytest.mark.skipif(not os.path.exists("/dev/fuse") or not os.path.exists("/dev/loop-control"), reason="needs FUSE and loop devices")
@pytest.mark.parametrize("kind, mkfs, fsck", CASES, ids=[case[0] for case in CASES])
def test_file_system_is_clean_after_sigkill_and_restart(system, folder, kind, mkfs, fsck):
    system.make_volumes("fs", size="512M")
    uri, mounted = system.uri("p/fs"), os.path.join(folder, "mnt")
    os.makedirs(mounted)
    with block_device(folder, uri, "first") as device:
        run(*mkfs, device)
        run("mount", "-t", kind, device, mounted)
        try:
            with open(os.path.join(mounted, "kept"), "w") as f:
                f.write("synced before the crash\n" * 1000)
                f.flush()
                os.fsync(f.fileno())
            writer = subprocess.Popen(["sh", "-c", f"i=0; while :; do i=$((i+1)); head -c 20000 /dev/urandom > {mounted}/f$((i%50)) || exit; sync -d {mounted}/f$((i%50)) || exit; done"],
                                      stderr=subprocess.DEVNULL)
            time.sleep(1.5)
            system.kill()
            time.sleep(0.3)
            writer.kill()
            writer.wait()
        finally:
            run("umount", "-l", mounted, check=False)
    system.start()
    with block_device(folder, uri, "second") as device:
        run("mount", "-t", kind, device, mounted)          # replays the file system's own journal
        with open(os.path.join(mounted, "kept")) as f:
            assert f.read() == "synced before the crash\n" * 1000
        run("umount", mounted)
        run(*fsck, device)
