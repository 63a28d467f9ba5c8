"""nbds:// with a certificate that the client trusts, and with one that it does not."""
import os
import shutil
import subprocess

import lockstep


def certificates(folder, ca):
    os.makedirs(folder, exist_ok=True)
    shutil.copy(ca, os.path.join(folder, "ca-cert.pem"))
    return folder


def other_authority(folder):
    os.makedirs(folder, exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", os.path.join(folder, "key.pem"),
                    "-out", os.path.join(folder, "ca.pem"), "-subj", "/CN=somebody else", "-days", "2"], check=True, capture_output=True)
    return os.path.join(folder, "ca.pem")


def test_nbds_with_the_right_and_the_wrong_certificate(make_system, folder):
    port = lockstep.free_port()
    system = make_system("a", "--nbd", f"localhost:{port}", "--nbd-tls", "require").start()
    system.make_pool()
    system.make_volumes("v", size="8M")
    own = os.path.join(system.data, "certificate.pem")
    right = certificates(os.path.join(folder, "right"), own)
    wrong = certificates(os.path.join(folder, "wrong"), other_authority(os.path.join(folder, "other")))
    ask = lambda trust: subprocess.run(["nbdinfo", "--size", f"nbds://localhost:{port}/p/v?tls-certificates={trust}"], capture_output=True, text=True, timeout=60)
    good = ask(right)
    assert good.returncode == 0 and good.stdout.strip() == str(8 << 20), good.stderr
    bad = ask(wrong)
    assert bad.returncode != 0, "a client that trusts somebody else connected"
    plain = subprocess.run(["nbdinfo", "--size", f"nbd://localhost:{port}/p/v"], capture_output=True, text=True, timeout=60)
    assert plain.returncode != 0, "a listener that requires TLS served a client without it"
    assert ask(right).returncode == 0, "a bad client disturbed the listener"
