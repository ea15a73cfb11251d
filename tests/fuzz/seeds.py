#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the seeds of the fuzz targets: seeds.py DIR writes DIR/walk, DIR/decode and DIR/name."""
import struct
import sys
from pathlib import Path

V4 = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
V6 = bytes(15) + b"\1", bytes(15) + b"\2"
TCP = struct.pack("!HHIIBBHHH", 50000, 80, 1, 0, 5 << 4, 2, 1024, 0, 0)
UDP = struct.pack("!HHHH", 5353, 53, 12, 0) + b"abcd"


def ipv4(proto: int, payload: bytes, frag: int = 0, options: bytes = b"") -> bytes:
    words = 5 + len(options) // 4
    return struct.pack("!BBHHHBBH4s4s", 4 << 4 | words, 0, words * 4 + len(payload), 7, frag, 64,
                       proto, 0, *V4) + options + payload


def ipv6(proto: int, payload: bytes) -> bytes:
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload), proto, 64, *V6) + payload


def extended(last: int, payload: bytes) -> bytes:
    """Hop-by-hop, routing, destination options, AH, fragment header, then payload."""
    out = bytes([43, 0]) + b"\0" * 6 + bytes([60, 0]) + b"\0" * 6 + bytes([51, 0]) + b"\0" * 6
    out += bytes([44, 4]) + b"\0" * 22 + bytes([last, 0, 0, 1, 0, 0, 0, 9])
    return ipv6(0, out + payload)


def ether(ethertype: int, payload: bytes) -> bytes:
    return bytes(12) + struct.pack("!H", ethertype) + payload


def packets() -> dict[str, tuple[int, bytes]]:
    tcp4, udp6 = ipv4(6, TCP), ipv6(17, UDP)
    snap = b"\xaa\xaa\x03\0\0\0"
    return {
        "tcp4": (1, ether(0x0800, tcp4)),
        "udp6": (1, ether(0x86DD, udp6)),
        "options": (1, ether(0x0800, ipv4(17, UDP, options=b"\x94\4\0\0"))),
        "fragment": (1, ether(0x0800, ipv4(17, UDP, frag=185))),
        "first-fragment": (1, ether(0x0800, ipv4(17, UDP, frag=0x2000))),
        "extended": (1, ether(0x86DD, extended(6, TCP))),
        "vlan": (1, ether(0x8100, b"\0\1\x08\0" + tcp4)),
        "qinq": (1, ether(0x88A8, b"\0\1\x81\0\0\2\x86\xdd" + udp6)),
        "mpls": (1, ether(0x8847, b"\0\0\x10\x40\0\0\x11\x40" + tcp4)),
        "mpls-bottom": (1, ether(0x8847, b"\0\0\x11\x40" + udp6)),
        "pppoe": (1, ether(0x8864, b"\x11\0\0\1\0\0\0\x21" + tcp4)),
        "snap": (1, ether(len(tcp4) + 8, snap + b"\x08\0" + tcp4)),
        "arp": (1, ether(0x0806, b"\0\1\x08\0\6\4\0\1" + bytes(20))),
        "raw": (101, tcp4),
        "null": (0, b"\2\0\0\0" + tcp4),
        "loop": (108, b"\0\0\0\x18" + udp6),
        "sll": (113, bytes(14) + b"\x08\0" + tcp4),
        "sll2": (276, b"\x86\xdd" + bytes(18) + udp6),
        "ppp": (9, b"\xff\3\0\x21" + tcp4),
        "ppp-short": (9, b"\x21" + tcp4),
        "hdlc": (104, b"\x0f\0\x08\0" + tcp4),
        "ppp-hdlc": (50, b"\xff\3\0\x57" + udp6),
        "ppp-ether": (51, b"\x11\0\0\1\0\0\0\x21" + tcp4),
    }


def captures() -> dict[str, bytes]:
    out = {}
    frames = [ether(0x0800, ipv4(6, TCP)), b"", ether(0x86DD, ipv6(17, UDP))] * 3
    shapes = {
        "us-le": ("<", 0xA1B2C3D4, 4, b""),
        "us-be": (">", 0xA1B2C3D4, 4, b""),
        "ns-le": ("<", 0xA1B23C4D, 4, b""),
        "ns-be": (">", 0xA1B23C4D, 4, b""),
        "modified": ("<", 0xA1B2CD34, 4, bytes(8)),
        "old": ("<", 0xA1B2C3D4, 2, b""),
        "unsure": (">", 0xA1B2C3D4, 3, b""),
    }
    for name, (order, magic, minor, more) in shapes.items():
        data = struct.pack(order + "IHHiIII", magic, 2, minor, 0, 0, 65535, 1)
        for i, frame in enumerate(frames):
            lengths = (len(frame), len(frame)) if i % 2 else (len(frame), len(frame) + 9)
            if minor == 2:
                lengths = lengths[::-1]
            data += struct.pack(order + "IIII", 1700000000 + i, i, *lengths) + more + frame
        out[name] = data
        out[name + "-cut"] = data[:-5]
    out["header-cut"] = out["us-le"][:20]
    out["long"] = out["us-le"] + struct.pack("<IIII", 1700000000, 0, 0x7FFFFFFF, 60) + bytes(60)
    out["pcapng"] = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    return out


def names() -> dict[str, bytes]:
    key = bytes(range(40))
    templates = ["{n:8}_{key}.pcap", "{input}_flow-{n}.pcap", "{proto}/{src}-{dst}_{sport}_{dport}",
                 "a{first}", "../{n}", "/x", "{n", "{zz}", "{n:99}", "x}y", "a//b", ".hidden", "{n}{n}"]
    return {str(i): key + b"/tmp/day3.pcap\0" + t.encode() for i, t in enumerate(templates)}


def main() -> None:
    root = Path(sys.argv[1])
    corpus = {
        "walk": captures(),
        "decode": {k: struct.pack("!H", link) + p for k, (link, p) in packets().items()},
        "name": names(),
    }
    for target, files in corpus.items():
        (root / target).mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (root / target / name).write_bytes(data)


if __name__ == "__main__":
    main()
