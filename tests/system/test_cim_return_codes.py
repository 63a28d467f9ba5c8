"""MSFT_SMReplicationGroup.CreateReplica over the wire: each return value that its reference lists, from a real cause, and what ExtendedStatus names."""
import html
import os
import re
import subprocess

import pytest

import lockstep
from cim import Cim, instance_name, instances, of_class, of_path

GROUP, PEER, POOL = "MSFT_SMReplicationGroup", "MSFT_SMReplicaPeer", "MSFT_SMPool"
MIRROR, SNAPSHOT = 6, 7

# Between the system and its disk: writes to its own database fail while the file $FAIL_WRITES is there.
SHIM = r"""
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
static int fails(int fd) {
  char name[64], path[4096];
  if (access(getenv("FAIL_WRITES"), F_OK) != 0) return 0;
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(name, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return strstr(path, "system.db") != NULL;
}
#define WRAP(name) \
  ssize_t name(int fd, const void* data, size_t size, off64_t at) { \
    if (fails(fd)) { errno = EIO; return -1; } \
    ssize_t (*real)(int, const void*, size_t, off64_t) = dlsym(RTLD_NEXT, #name); \
    return real(fd, data, size, at); \
  }
WRAP(pwrite)
WRAP(pwrite64)
"""


def number(name, value, bits=16):
    return f'<PARAMVALUE NAME="{name}" PARAMTYPE="uint{bits}"><VALUE>{value}</VALUE></PARAMVALUE>'


def text(name, value):
    return f'<PARAMVALUE NAME="{name}" PARAMTYPE="string"><VALUE>{html.escape(value)}</VALUE></PARAMVALUE>'


def reference(name, cls, object_id):
    return f'<PARAMVALUE NAME="{name}" PARAMTYPE="reference"><VALUE.REFERENCE>{instance_name(cls, object_id)}</VALUE.REFERENCE></PARAMVALUE>'


def settings(policy):
    inside = f'<INSTANCE CLASSNAME="MSFT_SMReplicationSettings"><PROPERTY NAME="ThinProvisioningPolicy" TYPE="uint16"><VALUE>{policy}</VALUE></PROPERTY></INSTANCE>'
    return f'<PARAMVALUE NAME="ReplicationSettings" PARAMTYPE="string" EmbeddedObject="instance"><VALUE>{html.escape(inside)}</VALUE></PARAMVALUE>'


def object_id(server, cls, **wanted):
    """Of the one instance whose properties are these."""
    found = [one["ObjectId"] for one in instances(server.ask("EnumerateInstances", of_class("ClassName", cls))) if all(one.get(k) == str(v) for k, v in wanted.items())]
    assert len(found) == 1, f"{cls} {wanted}: {found}"
    return found[0]


class Caller:
    """CreateReplica on the group db of a system."""

    def __init__(self, server):
        self.server = server
        self.group = object_id(server, GROUP, DisplayName="db")

    def create(self, *parameters, sync_type=MIRROR, group=None, user=None):
        """return value, ParameterInfo and SMMessage of the extended status, whole answer"""
        code, answer = self.server.method(GROUP, group or self.group, "CreateReplica", number("SyncType", sync_type) + "".join(parameters), user=user)
        status = re.search(r'<PARAMVALUE NAME="ExtendedStatus"[^>]*><VALUE>(.*?)</VALUE></PARAMVALUE>', answer, re.S)
        said = dict(re.findall(r'<PROPERTY NAME="(\w+)"[^>]*><VALUE>([^<]*)</VALUE>', html.unescape(status.group(1)) if status else ""))
        assert (status is None) == (code in (0, 4096)), f"{code}: {answer}"
        if status:
            assert said["SMErrorCode"] == str(code), said
        return code, said.get("ParameterInfo"), said.get("SMMessage", ""), answer


def system_with_group(make_system, name="a", size="16M"):
    server = Cim(make_system, name)
    server.system.make_pool()
    server.system.make_volumes("data", size=size)
    server.system.cli("group", "create", "db", "p/data")
    return server


@pytest.fixture
def caller(make_system):
    return Caller(system_with_group(make_system))


@pytest.fixture
def pair(make_system):
    """A caller on system a, and its peer b with a pool."""
    a, b = system_with_group(make_system), Cim(make_system, "b")
    b.system.make_pool()
    lockstep.pair_up(a.system, b.system)
    one = Caller(a)
    one.peer = reference("TargetStorageSystem", PEER, object_id(a, PEER, PeerObjectType=32770, PeerSystemName="b"))
    return one, b


def add_group(server, name, size="16M"):
    server.system.make_volumes(f"{name}-v", size=size)
    server.system.cli("group", "create", name, f"p/{name}-v")
    return object_id(server, GROUP, DisplayName=name)


def test_0_when_it_is_done(caller):
    code, _, _, answer = caller.create(number("Mode", 3), sync_type=SNAPSHOT)
    assert code == 0, answer
    assert "MSFT_SMReplicaPeer" in re.search(r'<PARAMVALUE NAME="TargetReplicaPeer".*?</PARAMVALUE>', answer, re.S).group(0)


def test_1_for_thin_to_full(caller):
    code, parameter, message, _ = caller.create(settings(3))
    assert (code, parameter) == (1, "ReplicationSettings")
    assert "ThinProvisioningPolicy 3" in message


def test_2_when_the_system_database_cannot_be_written(make_system, folder, monkeypatch):
    source, library, flag = os.path.join(folder, "shim.c"), os.path.join(folder, "shim.so"), os.path.join(folder, "fail")
    with open(source, "w") as f:
        f.write(SHIM)
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    with monkeypatch.context() as env:
        env.setenv("LD_PRELOAD", library)
        env.setenv("FAIL_WRITES", flag)
        one = Caller(system_with_group(make_system))
    open(flag, "w").close()
    code, _, message, _ = one.create()
    assert code == 2, message
    assert "system.db" in message or "database" in message
    os.remove(flag)
    one.server.system.kill()   # a database whose writes failed is looked at anew


def test_3_when_the_peer_is_stopped(pair):
    one, b = pair
    b.system.pause()
    try:
        code, parameter, message, _ = one.create(one.peer)
    finally:
        b.system.resume()
    assert (code, parameter) == (3, "TargetStorageSystem"), message


def test_46001_when_the_peer_is_dead(pair):
    one, b = pair
    b.system.kill()
    code, parameter, message, _ = one.create(one.peer)
    assert (code, parameter) == (46001, "TargetStorageSystem"), message
    assert "'b'" in message


def test_4_when_the_target_group_is_a_target(caller):
    target, second = add_group(caller.server, "copy"), add_group(caller.server, "second")
    to_copy = reference("TargetGroupObject", GROUP, target)
    code, _, message, _ = caller.create(to_copy, text("RelationshipName", "first"))
    assert code in (0, 4096), message
    code, parameter, message, _ = caller.create(to_copy, group=second)
    assert (code, parameter) == (4, "TargetGroupObject"), message
    assert "is a target already" in message


def test_5_for_a_recovery_point_of_a_synchronous_mirror(caller):
    code, parameter, _, _ = caller.create(number("Mode", 2), number("RecoveryPointObjective", 7, 32))
    assert (code, parameter) == (5, "RecoveryPointObjective")


def test_8_for_a_deleted_group(caller):
    group = add_group(caller.server, "short-lived")
    assert caller.server.method(GROUP, group, "Delete", "")[0] == 0
    code, parameter, message, _ = caller.create(group=group)
    assert (code, parameter) == (8, "this")
    assert group.rsplit(":", 1)[1] in message
    code, parameter, _, _ = caller.create(reference("TargetGroupObject", GROUP, group))
    assert (code, parameter) == (8, "TargetGroupObject")


def test_4096_with_a_job_that_comes_to_its_end(make_system):
    a, b = system_with_group(make_system, size="1G"), Cim(make_system, "b")
    b.system.make_pool()
    lockstep.pair_up(a.system, b.system)
    subprocess.run(["qemu-io", "-f", "raw", "-c", "write -P 7 0 512M", "-c", "flush", a.system.uri("p/data")], check=True, capture_output=True)   # more than is copied in a moment
    one = Caller(a)
    code, _, message, answer = one.create(reference("TargetStorageSystem", PEER, object_id(a, PEER, PeerObjectType=32770, PeerSystemName="b")), text("RelationshipName", "m"))
    assert code == 4096, message
    job = re.search(r'<PARAMVALUE NAME="Job".*?<KEYVALUE[^>]*>([^<]+)</KEYVALUE>', answer, re.S).group(1)

    def state():
        found = instances(a.ask("GetInstance", of_path("InstanceName", "MSFT_SMJob", job)))[0]
        assert found["JobState"] != "10", found
        return found["JobState"]
    lockstep.wait_until(lambda: state() == "7", 300, "the job being Completed")
    assert a.system.replica("m")["copy_state"] == "Synchronized"


def test_40001_for_a_reader_and_for_a_wrong_password(caller):
    subprocess.run([lockstep.LOCKSTEP, "--socket", caller.server.system.control, "user", "add", "reader", "--role", "ReadOnly"], input="correct horse battery\n", text=True, check=True, capture_output=True)
    code, _, message, _ = caller.create(user=("reader", "correct horse battery"))
    assert code == 40001, message
    assert "ReadOnly" in message
    code, parameter, _, _ = caller.create(text("username", "admin"), text("password", "wrong"))
    assert (code, parameter) == (40001, "username")
    code, _, message, _ = caller.create(number("Mode", 3), text("username", "admin"), text("password", caller.server.password), sync_type=SNAPSHOT, user=("reader", "correct horse battery"))
    assert code == 0, message


def test_40002_when_the_pool_is_too_small(caller):
    system = caller.server.system
    system.cli("pool", "create", "small", "--path", os.path.join(system.data, "pools", "small"), "--capacity", "200M")
    system.make_volumes("big", size="1G")
    system.cli("group", "create", "bigs", "p/big")
    subprocess.run(["qemu-io", "-f", "raw", "-c", "write -P 7 0 400M", "-c", "flush", system.uri("p/big")], check=True, capture_output=True)
    small = reference("TargetStoragePool", POOL, object_id(caller.server, POOL, Name="small"))
    code, parameter, message, _ = caller.create(small, group=object_id(caller.server, GROUP, DisplayName="bigs"))
    assert (code, parameter) == (40002, "TargetStoragePool"), message
    assert "'small'" in message


def test_40003_when_the_peers_pool_changed_since_it_was_discovered(pair):
    one, b = pair
    b.system.cli("pool", "create", "q", "--path", os.path.join(b.system.data, "pools", "q1"))
    discover = lambda: one.server.method("MSFT_SMStorageDiscovery", "a", "StartDiscovery", text("host", "b"), key="systemName")[0]
    assert discover() == 0
    q = object_id(one.server, POOL, Name="q")
    b.system.cli("pool", "delete", "q")
    b.system.cli("pool", "create", "q", "--path", os.path.join(b.system.data, "pools", "q2"))
    code, parameter, message, _ = one.create(one.peer, reference("TargetStoragePool", POOL, q))
    assert (code, parameter) == (40003, "TargetStoragePool"), message
    assert discover() == 0
    again = object_id(one.server, POOL, Name="q")
    assert again != q
    code, _, message, _ = one.create(one.peer, reference("TargetStoragePool", POOL, again))
    assert code in (0, 4096), message
