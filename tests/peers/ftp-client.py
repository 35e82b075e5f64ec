#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Python's ftplib over PySocks: the commands that other clients lack.

    ftp-client.py GATEWAY HOST reading|writing|abort|abort-active|many

GATEWAY is ADDRESS:PORT or [ADDRESS]:PORT.  Prints nothing where all is well.
"""
import ftplib
import hashlib
import io
import select
import sys
import threading

import socks as scripted  # the tests' own: see sys.path below

sys.path.insert(0, "/usr/lib/python3/dist-packages")


def pysocks():
    """PySocks has the same name as the tests' module."""
    del sys.modules["socks"]
    path, sys.path = sys.path, ["/usr/lib/python3/dist-packages"] + [
        p for p in sys.path if not p.endswith("/peers")]
    import socks
    sys.path = path
    return socks


GATEWAY = scripted.parse_endpoint(sys.argv[1])
HOST = sys.argv[2]
socks = pysocks()


def connect(address, timeout=60, _source=None, **_):
    """In the place of socket.create_connection: there is one server."""
    sock = socks.socksocket(ftplib.socket.AF_INET6 if ":" in GATEWAY[0]
                            else ftplib.socket.AF_INET)
    sock.set_proxy(socks.SOCKS5, *GATEWAY, rdns=True)
    sock.settimeout(timeout)
    sock.connect((HOST, address[1]))
    sock.af = sock.family
    return sock


ftplib.socket.create_connection = connect


class Client(ftplib.FTP):
    """Logged in; every connection is one through the gateway, by name."""

    def __init__(self):
        super().__init__(timeout=60)
        self.connect(HOST, 21)
        self.login()


def read(client, name, rest=None):
    out = io.BytesIO()
    client.retrbinary("RETR " + name, out.write, rest=rest)
    return out.getvalue()


def reading(client):
    names = client.nlst("pub")
    assert any(name.endswith("64k") for name in names), names
    whole = read(client, "pub/64k")
    assert len(whole) == 65536
    assert read(client, "pub/64k", 60000) == whole[60000:]
    assert read(client, "pub/empty") == b""
    try:
        listed = dict(client.mlsd("pub"))
        assert "64k" in listed, listed
    except ftplib.error_perm:
        pass  # not every server has it


def writing(client):
    whole = read(client, "pub/64k")
    name = f"in/python-{hashlib.sha1(sys.argv[1].encode()).hexdigest()[:8]}"
    client.storbinary("STOR " + name, io.BytesIO(whole[:1000]))
    client.storbinary("APPE " + name, io.BytesIO(whole[1000:]))
    assert read(client, name) == whole
    client.delete(name)


def abort(client):
    for _ in range(2):
        client.voidcmd("TYPE I")
        data = client.transfercmd("RETR pub/big")
        data.recv(1000)
        data.close()
        client.sock.sendall(b"ABOR\r\n", ftplib.MSG_OOB)
        # Servers differ in how many replies they give: the one to NOOP is
        # the last.
        client.putcmd("NOOP")
        replies = [client.getmultiline()]
        while not replies[-1].startswith("200"):
            replies.append(client.getmultiline())
        assert any(reply[:3] in ("225", "226") for reply in replies), replies
        assert len(read(client, "pub/64k")) == 65536


def abort_active(client):
    """As clients do that cannot know how many replies are due: they read what
    comes, and go on."""
    client.set_pasv(False)
    for _ in range(3):
        client.voidcmd("TYPE I")
        data = client.transfercmd("RETR pub/big")
        data.recv(1000)
        client.sock.sendall(b"ABOR\r\n", ftplib.MSG_OOB)
        data.close()
        client.getmultiline()
        while select.select((client.sock,), (), (), 0.5)[0]:
            client.getmultiline()
        for _ in range(2):
            assert len(read(client, "pub/64k")) == 65536
    client.voidcmd("NOOP")


def many(_):
    failed = []

    def one():
        try:
            commands_only(Client())
        except Exception as error:  # whatever it is, it is reported
            failed.append(error)
    threads = [threading.Thread(target=one) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed


def commands_only(client):
    for _ in range(3):
        assert len(read(client, "pub/64k")) == 65536
    client.quit()


def main():
    client = Client()
    {"reading": reading, "writing": writing, "abort": abort,
     "abort-active": abort_active, "many": many}[sys.argv[3]](client)
    client.quit()


main()
