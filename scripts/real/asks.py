"""Gives a server work: asks.py KIND PORT WORK SEED, where KIND is proxy. One connection at a time asks."""

import random
import socket
import sys
import time


def connect(port):
    for _ in range(200):
        try:
            client = socket.create_connection(("127.0.0.1", port))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return client
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing listens at port {port}")


def proxy(port, rounds):
    """Pages of a proxy's own, and of hosts that are blocked. Each connection asks once."""
    for number in range(rounds):
        client = connect(port)
        path = random.choice(["http://p.p/", "http://p.p/show-version", "http://p.p/none%d" % random.randrange(99)])
        if number % 3:
            path = "http://host%d.example/%d" % (random.randrange(300), number)
        host = path.split("/")[2]
        head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Number: {number}\r\nConnection: close\r\n\r\n"
        client.sendall(head.encode())
        while client.recv(65536):
            pass
        client.close()


kinds = {"proxy": proxy}
random.seed(int(sys.argv[4]))
kinds[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3]))
