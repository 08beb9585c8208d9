"""Writes a pcap file of UDP, TCP and ARP packets to standard output: packets.py PACKETS SEED HOSTS."""

import random
import struct
import sys

packets, seed, hosts = map(int, sys.argv[1:])
random.seed(seed)
out = sys.stdout.buffer
out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
for number in range(packets):
    # With hosts as many as there are addresses, nearly each is a new one.
    source, target = (0x0A000000 + random.randrange(hosts) for _ in range(2))
    macs = [b"\x02\x00" + struct.pack(">I", host) for host in (target, source)]
    port = 1024 + random.randrange(min(hosts, 60000))
    if number % 20 == 0:
        body = struct.pack(">HHBBH", 1, 0x800, 6, 4, 1) + macs[1] + struct.pack(">I", source)
        body += bytes(6) + struct.pack(">I", target)
        frame = b"\xff" * 6 + macs[1] + b"\x08\x06" + body
    else:
        if number % 3 == 0:
            protocol = 6
            inner = struct.pack(">HHIIBBHHH", port, 80, number * 10, number, 0x50, 0x18, 1000, 0, 0)
            inner += b"GET / HTTP/1.1\r\n\r\n"
        else:
            protocol = 17
            inner = struct.pack(">HHHH", port, 9999, 16, 0) + b"datagram"
        head = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(inner), number % 65536, 0, 64, protocol, 0, source, target)
        frame = macs[0] + macs[1] + b"\x08\x00" + head + inner
    out.write(struct.pack("<IIII", 1700000000 + number // 50, number % 50 * 20000, len(frame), len(frame)) + frame)
