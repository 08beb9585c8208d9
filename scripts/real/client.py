"""Gives a server work: client.py http PORT REQUESTS SEED, or client.py mqtt PORT MESSAGES SEED."""

import random
import socket
import sys
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


random.seed(int(sys.argv[4]))
{"http": http, "mqtt": mqtt}[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3]))
