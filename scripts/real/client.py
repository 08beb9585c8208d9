"""Gives a server work: client.py KIND PORT WORK SEED, where KIND is http, mqtt, dns, irc or dbus."""

import random
import socket
import struct
import sys
import threading
import time


def connect(port):
    for _ in range(200):
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing listens at port {port}")


def read_answer(client):
    """Head and body, whose length is told, or which comes in chunks."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += receive(client)
    head, body = answer.split(b"\r\n\r\n", 1)
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    if fields.get(b"transfer-encoding") == b"chunked":
        while not body.endswith(b"0\r\n\r\n"):
            body += receive(client)
    else:
        while len(body) < int(fields.get(b"content-length", 0)):
            body += receive(client)


def receive(client):
    got = client.recv(65536)
    if not got:
        sys.exit("the server ended the connection")
    return got


def http(port, requests):
    """Connections of 1 to 20 requests, up to eight of them at a time."""
    open_ones = []
    done = 0
    while done < requests:
        while len(open_ones) < random.randint(1, 8):
            open_ones.append([connect(port), random.randint(1, 20)])
        one = random.choice(open_ones)
        path = random.choice(["/", "/a.html", "/b.txt", "/dir/", "/none-%d" % random.randrange(50), "/a.html?q=%d" % done])
        one[1] -= 1
        last = one[1] == 0
        head = f"GET {path} HTTP/1.1\r\nHost: host{done % 5}\r\nX-Number: {done}\r\nAccept-Encoding: gzip\r\n"
        if last:
            head += "Connection: close\r\n"
        one[0].sendall(head.encode() + b"\r\n")
        read_answer(one[0])
        if last:
            one[0].close()
            open_ones.remove(one)
        done += 1
    for one in open_ones:
        one[0].close()


def packet(kind, payload):
    length = len(payload)
    head = bytes([kind])
    while True:
        byte, length = length % 128, length // 128
        head += bytes([byte | (128 if length else 0)])
        if not length:
            return head + payload


def text(value):
    return len(value).to_bytes(2, "big") + value.encode()


def mqtt_connect(port, name, clean=True):
    client = connect(port)
    client.sendall(packet(0x10, text("MQTT") + bytes([4, 2 if clean else 0, 0, 60]) + text(name)))
    client.recv(4)
    return client


def drain(client):
    """Until the broker has answered to a ping, and so has done all before it."""
    client.sendall(b"\xc0\x00")
    got = b""
    while not got.endswith(b"\xd0\x00"):
        got = got[-1:] + client.recv(65536)


def mqtt(port, messages):
    """One subscriber that listens; clients that come and go; every tenth message is retained under a topic of its own,
    the others under 40 topics."""
    listener = mqtt_connect(port, "listener")
    listener.sendall(packet(0x82, b"\x00\x01" + text("load/#") + b"\x00"))
    sender = mqtt_connect(port, "sender")
    for number in range(messages):
        retain = number % 10 == 0
        topic = f"own/{number}/value" if retain else f"load/{random.randrange(40)}"
        sender.sendall(packet(0x31 if retain else 0x30, text(topic) + b"payload %d" % number * random.randint(1, 5)))
        if number % 50 == 0:
            drain(sender)
            drain(listener)
        if number % 30 == 0:
            guest = mqtt_connect(port, f"guest{number % 7}")
            guest.sendall(packet(0x82, b"\x00\x01" + text(f"load/{number % 40}") + b"\x00"))
            drain(guest)
            guest.close()
    drain(sender)
    drain(listener)


def answer_names(port):
    """A name server: each name has one address, or none if it says so."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", port))
    while True:
        query, sender = server.recvfrom(4096)
        end = query.index(b"\0", 12) + 5
        question = query[12:end]
        head = query[:2] + (b"\x81\x83" if b"none" in question else b"\x81\x80")
        found = b"" if b"none" in question else b"\xc0\x0c\0\x01\0\x01" + struct.pack(">IH", 3600, 4) + b"\x0a\0\0\x01"
        server.sendto(head + b"\0\x01" + (b"\0\x01" if found else b"\0\0") + bytes(4) + question + found, sender)


def dns(port, queries):
    """Names of which some are asked for often, and most once. The next port answers for the rest of the world."""
    threading.Thread(target=answer_names, args=(port + 1,), daemon=True).start()
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(0.2)
    for number in range(queries):
        often = "often%d" % random.randrange(30)
        name = random.choice([often, "once%d" % number, "none%d" % number, "a" * 40 + str(number)])
        labels = b"".join(bytes([len(label)]) + label.encode() for label in [name, "x%d" % (number % 40), "example"])
        query = struct.pack(">HHHHHH", number % 65536, 0x100, 1, 0, 0, 0) + labels + b"\0\0\x01\0\x01"
        for _ in range(50):
            try:
                client.sendto(query, ("127.0.0.1", port))
                while client.recv(4096)[:2] != query[:2]:
                    pass
                break
            except OSError:  # it may not listen yet
                time.sleep(0.02)
        else:
            sys.exit(f"no answer from port {port}")


def irc(port, rounds):
    """One client that joins a channel of its own in each round, and stays; others that come, talk in one of 20
    channels, and leave."""

    def wait(client, word):
        got = b""
        while word not in got:
            got = got[-len(word) :] + receive(client)

    def login(name):
        client = connect(port)
        client.sendall(f"NICK {name}\r\nUSER {name} 0 * :{name}\r\n".encode())
        wait(client, b" 376 ")
        return client

    stays = login("stays")
    for number in range(rounds):
        guest = login(f"g{number % 1000}")
        guest.sendall(f"JOIN #c{number % 20}\r\nPRIVMSG #c{number % 20} :text {number}\r\nQUIT :bye\r\n".encode())
        wait(guest, b"ERROR")
        guest.close()
        stays.sendall(f"JOIN #own{number}\r\nTOPIC #own{number} :topic {number}\r\nPING {number}\r\n".encode())
        if number % 3 == 0:
            stays.sendall(f"MODE #own{number} +b *!*@host{number}\r\n".encode())
        wait(stays, b"PONG")
        time.sleep(0.001)


def dbus(port, rounds):
    """One client that adds a match rule in each round and forgets it, and asks for a name in every third; others that
    come, ask for one of 20 names, and go."""

    def string(value):
        return struct.pack("<I", len(value)) + value.encode() + b"\0"

    def padded(data, to):
        return data + bytes(-len(data) % to)

    def call(client, serial, member, signature="", body=b""):
        fields = b""
        name = "org.freedesktop.DBus"
        parts = [(1, b"o", "/org/freedesktop/DBus"), (2, b"s", name), (3, b"s", member), (6, b"s", name)]
        for code, kind, value in parts:
            fields = padded(fields, 8) + bytes([code]) + b"\x01" + kind + b"\0" + string(value)
        if signature:
            fields = padded(fields, 8) + b"\x08\x01g\0" + bytes([len(signature)]) + signature.encode() + b"\0"
        head = b"l\x01\0\x01" + struct.pack("<III", len(body), serial, len(fields)) + fields
        client.sendall(padded(head, 8) + body)

    def answers(client, serial):
        """Until the answer to this call has come."""
        while True:
            head = exactly(client, 16)
            body, _, fields = struct.unpack("<III", head[4:])
            rest = exactly(client, fields + -fields % 8 + body)
            # The field of the call that is answered: 5, of kind u.
            place = rest[:fields].find(b"\x05\x01u\0")
            if place >= 0 and struct.unpack("<I", rest[place + 4 : place + 8])[0] == serial:
                return

    def exactly(client, length):
        got = b""
        while len(got) < length:
            part = client.recv(length - len(got))
            if not part:
                sys.exit("the bus ended the connection")
            got += part
        return got

    def login():
        client = connect(port)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(b"\0AUTH ANONYMOUS\r\n")
        client.recv(4096)
        client.sendall(b"BEGIN\r\n")
        call(client, 1, "Hello")
        answers(client, 1)
        return client

    stays = login()
    serial = 1
    for number in range(rounds):
        guest = login()
        call(guest, 2, "RequestName", "su", padded(string(f"org.guest.Name{number % 20}"), 4) + bytes(4))
        call(guest, 3, "ListNames")
        answers(guest, 3)
        guest.close()
        serial += 1
        rule = f"type='signal',interface='org.example.I{number}',member='M{number % 9}'"
        call(stays, serial, "AddMatch", "s", string(rule))
        answers(stays, serial)
        if number % 3 == 0:
            serial += 1
            call(stays, serial, "RequestName", "su", padded(string(f"org.own.Name{number}"), 4) + bytes(4))
            answers(stays, serial)


kinds = {"http": http, "mqtt": mqtt, "dns": dns, "irc": irc, "dbus": dbus}
random.seed(int(sys.argv[4]))
kinds[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3]))
