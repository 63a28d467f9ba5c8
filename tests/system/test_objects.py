"""Pools, volumes, groups, snapshots, accounts: the CLI's answers, exit codes, and what survives a restart."""
import json
import os
import subprocess

import pytest

import lockstep
import rest


def test_objects_survive_a_restart(system):
    system.make_volumes("data", "wal", size="16M")
    system.cli("group", "create", "db", "p/data", "p/wal")
    system.cli("group", "snapshot", "db", "--name", "monday")
    assert system.stop() == 0
    system.start()
    assert [v["name"] for v in system.cli("volume", "list")] == ["p/data", "p/wal"]
    assert system.cli("group", "show", "db")["volumes"] in (["p/data", "p/wal"], ["data", "wal"])
    assert [s["name"] for s in system.cli("snapshot", "list")] == ["monday"]


def test_a_snapshot_keeps_what_was_there_and_a_clone_may_be_written(system):
    system.make_volumes("data", size="16M")
    system.cli("group", "create", "db", "p/data")
    write = lambda volume, pattern: subprocess.run(["qemu-io", "-f", "raw", "-c", f"write -P {pattern} 0 1M", "-c", "flush", system.uri(volume)], check=True, capture_output=True)
    check = lambda volume, pattern: subprocess.run(["qemu-io", "-f", "raw", "-c", f"read -P {pattern} 0 1M", system.uri(volume)], check=True, capture_output=True, text=True).stdout
    write("p/data", 1)
    system.cli("group", "snapshot", "db", "--name", "monday")
    write("p/data", 2)
    assert system.cli("snapshot", "clone", "db", "monday", "--prefix", "old-")["volumes"] == ["p/old-data"]
    assert "verification failed" not in check("p/old-data", 1)
    write("p/old-data", 3)
    assert "verification failed" not in check("p/data", 2)
    assert "verification failed" not in check("p/old-data", 3)
    system.cli("snapshot", "revert", "db", "monday", "--keep-as", "before")
    assert "verification failed" not in check("p/data", 1)
    assert {"monday", "before"} <= {s["name"] for s in system.cli("snapshot", "list")}


REFUSALS = [
    (["pool", "show", "nopool"], 1), (["volume", "show", "p/none"], 1), (["volume", "create", "p/x", "--size", "7"], 1), (["volume", "create", "nopool/x", "--size", "1M"], 1),
    (["volume", "create", "p/.hidden", "--size", "1M"], 1), (["volume", "create", "p/x", "--size", "lots"], 2), (["group", "create", "g", "p/none"], 1),
    (["replica", "show", "none"], 1), (["replica", "failover", "none"], 1), (["job", "show", "0" * 32], 1), (["peer", "join", "not-a-token"], 1),
    (["volume"], 2), (["volume", "fly"], 2), (["replica", "create", "g"], 2),
]


@pytest.mark.parametrize("words, code", REFUSALS, ids=[" ".join(row[0]) for row in REFUSALS])
def test_refusals_have_the_right_exit_code_and_say_why(system, words, code):
    exit_code, _, said = system.run(*words)
    assert exit_code == code, said
    assert said.strip()


def test_nobody_there_is_exit_code_3(folder):
    done = subprocess.run([lockstep.LOCKSTEP, "--socket", os.path.join(folder, "none.sock"), "pool", "list"], capture_output=True, text=True)
    assert done.returncode == 3 and "none.sock" in done.stderr


def test_every_verb_has_help_with_an_example():
    top = subprocess.run([lockstep.LOCKSTEP, "--help"], capture_output=True, text=True).stdout
    nouns = [line.split()[0] for line in top.split("Subcommands:")[1].split("\n\n")[0].strip().splitlines()]
    assert {"pool", "volume", "group", "peer", "replica", "job", "event", "status", "user", "config"} <= set(nouns)
    for noun in nouns:
        text = subprocess.run([lockstep.LOCKSTEP, noun, "--help"], capture_output=True, text=True).stdout
        verbs = [line.split()[0] for line in text.split("Subcommands:")[1].strip().splitlines() if line.startswith("  ") and not line.startswith("   ")] if "Subcommands:" in text else [None]
        for verb in verbs:
            words = [noun] + ([verb] if verb else [])
            answer = subprocess.run([lockstep.LOCKSTEP, *words, "--help"], capture_output=True, text=True)
            assert answer.returncode == 0 and "Example:" in answer.stdout and "--json" in answer.stdout, words


def test_deleting_what_is_in_use_is_refused(system):
    system.make_volumes("data", size="8M")
    system.cli("group", "create", "db", "p/data")
    with pytest.raises(lockstep.Refused) as refused:
        system.cli("volume", "delete", "p/data")
    assert "db" in refused.value.text
    with pytest.raises(lockstep.Refused):
        system.cli("pool", "delete", "p")
    system.cli("group", "delete", "db")
    system.cli("volume", "delete", "p/data")
    system.cli("pool", "delete", "p")


def test_a_second_daemon_on_the_same_folder_is_refused(system):
    done = subprocess.run([lockstep.LOCKSTEPD, "--data", system.data], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and str(system.process.pid) in done.stderr + done.stdout


def test_https_asks_for_a_password_and_knows_roles(make_system):
    port = lockstep.free_port()
    system = make_system("a", "--https", f"localhost:{port}").start()
    with open(os.path.join(system.data, "admin-password")) as f:
        password = f.read().strip()
    certificate = os.path.join(system.data, "certificate.pem")
    curl = lambda *words: subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", certificate, *words], capture_output=True, text=True, timeout=60)
    url = f"https://localhost:{port}"
    assert curl(f"{url}/redfish/v1").stdout == "200"
    assert curl(f"{url}{rest.STORAGE}/Volumes").stdout == "401"
    assert curl("-u", "admin:wrong", f"{url}{rest.STORAGE}/Volumes").stdout == "401"
    assert curl("-u", f"admin:{password}", f"{url}{rest.STORAGE}/Volumes").stdout == "200"
    untrusted = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"{url}/redfish/v1"], capture_output=True, text=True)
    assert untrusted.returncode == 60   # its certificate is its own
    made = subprocess.run([lockstep.LOCKSTEP, "--socket", system.control, "user", "add", "eve", "--role", "ReadOnly"], input="only-reading-42\n", capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    assert curl("-u", "eve:only-reading-42", f"{url}{rest.STORAGE}/Volumes").stdout == "200"
    assert curl("-u", "eve:only-reading-42", "-X", "POST", "-H", "Content-Type: application/json", "-d", '{"Name": "q"}', f"{url}{rest.STORAGE}/StoragePools").stdout == "403"
    done = subprocess.run([lockstep.LOCKSTEP, "--url", url, "--user", "admin", "--ca", certificate, "pool", "list", "--json"], env={**os.environ, "LOCKSTEP_PASSWORD": password}, capture_output=True, text=True)
    assert done.returncode == 0 and json.loads(done.stdout) == [], done.stderr


def test_metrics_follow_prometheus_conventions(pair):
    a, b = pair
    a.make_volumes("data", size="8M")
    a.cli("group", "create", "db", "p/data")
    a.cli("replica", "create", "db", "--type", "mirror", "--to", "b", "--name", "r")
    status, headers, text = rest.call(a, "GET", "/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain")
    samples = {line.split(" ")[0]: line.split(" ")[1] for line in text.splitlines() if line and not line.startswith("#")}
    lag = [name for name in samples if name.startswith("lockstep_relationship_lag_seconds{") and 'r"' in name]
    assert lag and float(samples[lag[0]]) >= 0
    assert any(name.startswith("lockstep_") and "bytes_total" in name for name in samples)
    for line in text.splitlines():
        assert line.startswith("#") or " " in line or not line


def test_config_check_names_what_is_wrong(folder):
    good, bad = os.path.join(folder, "good.toml"), os.path.join(folder, "bad.toml")
    with open(good, "w") as f:
        f.write('name = "a"\n')
    with open(bad, "w") as f:
        f.write('name = "a"\ncolour = "red"\n')
    check = lambda file: subprocess.run([lockstep.LOCKSTEP, "config", "check", file], capture_output=True, text=True, timeout=30)
    assert check(good).returncode == 0
    refused = check(bad)
    assert refused.returncode != 0 and "colour" in refused.stdout + refused.stderr


def make_image(folder, size=2 << 30):
    path = os.path.join(folder, "image")
    with open(path, "wb") as image:
        image.truncate(size)
    return path


@pytest.fixture
def loop_device(folder):
    made = subprocess.run(["losetup", "--find", "--show", "--direct-io=on", make_image(folder)], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip("no loop device can be made here: " + made.stderr.strip())
    device = made.stdout.strip()
    yield device
    subprocess.run(["losetup", "--detach", device], check=True)


def use_a_pool_at(system, path):
    """Written data are there after SIGKILL, after a good end, and through O_DIRECT; the path is the pool's alone."""
    system.cli("pool", "create", "raw", "--path", path)
    assert system.cli("pool", "show", "raw")["path"] == path
    system.make_volumes("data", size="256M", pool="raw")
    io = lambda *words: subprocess.run(["qemu-io", "-f", "raw", *[w for word in words for w in ("-c", word)], system.uri("raw/data")], check=True, capture_output=True, text=True).stdout
    io("write -P 7 0 64M", "write -P 9 1M 4k", "write -P 3 200M 512", "flush")
    kept = ["read -P 7 0 1M", "read -P 9 1M 4k", "read -P 7 1028k 60M", "read -P 3 200M 512", "read -P 0 100M 1M"]
    for end in (system.kill, system.stop):
        end()
        system.start()
        assert "verification failed" not in io(*kept)
    exit_code, _, said = system.run("pool", "create", "second", "--path", path)
    assert exit_code == 1 and path in said
    held = subprocess.run(["flock", "--nonblock", path, "true"], capture_output=True)
    assert held.returncode != 0


def test_a_pool_in_an_image_file(system, folder):
    use_a_pool_at(system, make_image(folder))


def test_a_pool_on_a_block_device(system, loop_device):
    use_a_pool_at(system, loop_device)
    mounted = subprocess.run(["mkfs.ext4", "-q", loop_device], capture_output=True, text=True)
    assert mounted.returncode != 0 and "in use" in mounted.stderr


def test_what_holds_a_file_system_is_refused_and_left_alone(system, folder):
    path = make_image(folder, 64 << 20)
    subprocess.run(["mkfs.ext4", "-q", path], check=True)
    exit_code, _, said = system.run("pool", "create", "raw", "--path", path)
    assert exit_code == 1 and path in said and "ext4" in said
    assert subprocess.run(["e2fsck", "-fn", path], capture_output=True).returncode == 0
    assert [pool["name"] for pool in system.cli("pool", "list")] == ["p"]
