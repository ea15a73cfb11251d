#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the seeds of the fuzz targets: seeds.py DIR writes DIR/walk, DIR/decode, and so on."""
import bz2
import gzip
import io
import json
import lzma
import random
import struct
import sys
import zipfile
from collections.abc import Sequence
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


def udp(port: int, payload: bytes) -> bytes:
    return struct.pack("!HHHH", 40000, port, 8 + len(payload), 0) + payload


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
        "gre": (1, ether(0x0800, ipv4(47, b"\xb0\0\x08\0" + bytes(12) + tcp4))),
        "gre-frame": (1, ether(0x0800, ipv4(47, b"\0\0\x65\x58" + ether(0x0800, tcp4)))),
        "erspan": (1, ether(0x0800, ipv4(47, b"\x10\0\x88\xbe" + bytes(12) + ether(0x0800, tcp4)))),
        "erspan3": (1, ether(0x0800, ipv4(47, b"\x10\0\x22\xeb" + bytes(16) + ether(0x0800, tcp4)))),
        "pptp": (1, ether(0x0800, ipv4(47, b"\x30\x81\x88\x0b\0\x40\0\7" + bytes(8) + b"\xff\3\0\x21" +
                                       tcp4))),
        "ipip": (1, ether(0x0800, ipv4(4, tcp4))),
        "6in4": (1, ether(0x0800, ipv4(41, udp6))),
        "ah": (1, ether(0x0800, ipv4(51, b"\6\4" + bytes(22) + TCP))),
        "vxlan": (1, ether(0x0800, ipv4(17, udp(4789, b"\x08" + bytes(7) + ether(0x0800, tcp4))))),
        "vxlan-gpe": (1, ether(0x0800, ipv4(17, udp(4790, b"\x0c\0\0\3" + bytes(4) +
                                                    ether(0x0800, tcp4))))),
        "geneve": (1, ether(0x0800, ipv4(17, udp(6081, b"\1\0\x65\x58" + bytes(8) +
                                                 ether(0x86DD, udp6))))),
        "gtp": (1, ether(0x0800, ipv4(17, udp(2152, b"\x34\xff" + bytes(9) + b"\x85\1\0\0\0" +
                                              tcp4)))),
        "teredo": (1, ether(0x0800, ipv4(17, udp(3544, b"\0\1\0\0" + bytes(9) + bytes(8) + udp6)))),
        "l2tp": (1, ether(0x0800, ipv4(17, udp(1701, b"\x4a\2" + bytes(12) + b"\xff\3\0\x21" +
                                               tcp4)))),
        "capwap": (1, ether(0x0800, ipv4(17, udp(5247, b"\0\x10\2\0" + bytes(4) +
                                                 ether(0x0800, tcp4))))),
        "mpls-udp": (1, ether(0x0800, ipv4(17, udp(6635, b"\0\0\x11\x40" + udp6)))),
        "pseudowire": (1, ether(0x8847, b"\0\0\x11\x40" + bytes(4) + ether(0x0800, tcp4))),
        "isl": (1, b"\1\0\x0c\0\0" + bytes(7) + b"\0\x50\xaa\xaa\3" + bytes(9) +
                ether(0x0800, tcp4)),
        "macsec": (1, ether(0x88E5, b"\x20\0" + bytes(12) + b"\x08\0" + tcp4)),
        "itag": (1, ether(0x88E7, bytes(16) + b"\x08\0" + tcp4)),
        "80211": (105, b"\x88\1" + bytes(22) + bytes(2) + snap + b"\x08\0" + tcp4),
        "radiotap": (127, b"\0\0\x12\0\3\0\0\0" + bytes(8) + b"\x10\0" + b"\x08\1" + bytes(22) +
                     snap + b"\x08\0" + tcp4),
        "prism": (119, b"\0\0\0\x44\x90\0\0\0" + bytes(136) + b"\x08\1" + bytes(22) + snap +
                  b"\x86\xdd" + udp6),
        "80211-between": (105, b"\x08\3" + bytes(28) + snap + b"\x08\0" + tcp4),
        "avs": (119, b"\x80\x21\x10\1\0\0\0\x40" + bytes(56) + b"\x08\1" + bytes(22) + snap +
                b"\x08\0" + tcp4),
        "ppi": (192, b"\0\0\x08\0\1\0\0\0" + ether(0x0800, tcp4)),
        "pktap": (258, b"\x0c\0\0\0\1\0\0\0\1\0\0\0" + ether(0x0800, tcp4)),
        "frelay": (107, b"\x18\x41\3\xcc" + tcp4),
        "atm": (100, snap + b"\x08\0" + tcp4),
        "token-ring": (6, b"\x10\x40" + bytes(6) + b"\x80" + bytes(5) + b"\x02\0" + snap + b"\x08\0" +
                       tcp4),
        "fddi": (10, b"\x57" + bytes(12) + snap + b"\x08\0" + tcp4),
        "arcnet": (7, b"\1\2\xd4\0\0\0" + tcp4),
        "nflog": (239, b"\2\0\0\0\x08\0\1\0" + bytes(4) +
                  struct.pack("<HH", 4 + len(tcp4), 9) + tcp4),
        "erf": (197, bytes(8) + b"\x82" + bytes(7) + bytes(8) + bytes(2) + ether(0x0800, tcp4)),
        "ppp-cisco": (9, b"\x0f\0\x08\0" + tcp4),
        "null-cisco": (0, b"\x8f\0\x86\xdd" + udp6),
        "fabricpath": (1, ether(0x8903, b"\0\x6f" + ether(0x0800, tcp4))),
        "trill": (1, ether(0x22F3, b"\0\x7f" + bytes(8) + ether(0x0800, tcp4))),
        "nsh": (1, ether(0x894F, b"\x0f\xc2\2\4" + bytes(4) + b"\x0f\xc6\1\3" + bytes(20) +
                         ether(0x0800, tcp4))),
        "arista": (1, ether(0xD28B, b"\0\1\0\x10" + bytes(8) + b"\x08\0" + tcp4)),
        "arista-gre": (1, ether(0x0800, ipv4(47, b"\0\0\xd2\x8b\0\7\0\1" + bytes(8) +
                                             ether(0x0800, tcp4)))),
        "aruba": (1, ether(0x0800, ipv4(47, b"\0\0\x82\0\x08\1" + bytes(22) + snap + b"\x08\0" +
                                        tcp4))),
        "eoip": (1, ether(0x0800, ipv4(47, b"\x20\1\x64\0\0\x36\7\0" + ether(0x0800, tcp4)))),
        "gre-metadata": (1, ether(0x0800, ipv4(47, b"\0\0\x89\x09\x08\0\1\1\0\1\0\0" + tcp4))),
        "vxlan-gpe-nsh": (1, ether(0x0800, ipv4(17, udp(4790, b"\x0c\0\0\4" + bytes(4) +
                                                        b"\x0f\xc2\2\1" + bytes(4) + tcp4)))),
        "tzsp": (1, ether(0x0800, ipv4(17, udp(37008, b"\1\0\0\1\x0a\1\0\0\1" +
                                               ether(0x0800, tcp4))))),
        "capwap-swapped": (1, ether(0x0800, ipv4(17, udp(5247, b"\0\x10\3\0" + bytes(4) +
                                                         b"\1\x08" + bytes(20) + b"\0\x10" + snap +
                                                         b"\x08\0" + tcp4)))),
        "teredo-trailers": (1, ether(0x0800, ipv4(17, udp(3544, udp6 + b"\1\4" + bytes(4) +
                                                          b"\5\2\0\0")))),
        "mobility": (1, ether(0x86DD, ipv6(135, b"\x3b\0\5" + bytes(5)))),
        "juniper": (178, b"MGC\x81\0\3\1\1\1" + ether(0x0800, tcp4)),
        "juniper-no-link": (179, b"MGC\2\2\0\0\0" + tcp4),
        "juniper-bundle": (130, b"MGC\0\x47" + bytes(7) + tcp4),
        "juniper-ipsec": (132, b"MGC\0\0\1\x40\4" + bytes(12) + tcp4),
        "juniper-atm": (137, b"MGC\0" + bytes(4) + b"\3\xcc" + tcp4),
        "exported": (252, b"\0\x14\0\4" + V4[0] + b"\0\x15\0\4" + V4[1] +
                     b"\0\x18\0\4\0\0\0\2\0\x19\0\4\0\0\0\7\0\x1a\0\4\0\0\0\x50" + bytes(4)),
        "exported-ip": (252, b"\0\x0c\0\4ip\0\0" + bytes(4) + tcp4),
        "exported-link": (252, b"\0\x0b\0\4\0\0\0\xfc" + bytes(4) + b"\0\x0b\0\4\0\0\0\x65" +
                          bytes(4) + tcp4),
        "user2": (149, b"\x6c\0\0\0\1\0\0\0\1\0\0\0" + bytes(96) + ether(0x0800, tcp4)),
        "dsa": (284, bytes(16) + b"\x08\0" + tcp4),
        "edsa": (285, bytes(20) + b"\x08\0" + tcp4),
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
    for link in 220, 231, 249, 279: # longer packets than elsewhere
        out["link-%d" % link] = out["us-le"][:20] + struct.pack("<I", link) + out["us-le"][24:]
    out["long"] = out["us-le"] + struct.pack("<IIII", 1700000000, 0, 0x7FFFFFFF, 60) + bytes(60)
    out["fragments"] = out["us-le"][:24]
    for i, frag in enumerate([0x2001, 2, 0x2000, 0x2000, 1]):
        frame = ether(0x0800, ipv4(17, UDP[:8], frag=frag))
        out["fragments"] += struct.pack("<IIII", 1700000000 + i, 0, len(frame), len(frame)) + frame
    out["garbage"] = out["us-le"][:200] + bytes(range(256)) + out["us-le"][200:]
    for order in "<>":
        out["pcapng" + order] = pcapng(order)
    out["pcapng-garbage"] = out["pcapng<"][:300] + bytes(range(255)) + out["pcapng<"][300:]
    return out


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, 12 + len(body)) + body + struct.pack(
        order + "I", 12 + len(body))


def pcapng(order: str) -> bytes:
    """Two sections, three interfaces, each kind of packet block, metadata between them."""
    frame, option = ether(0x0800, ipv4(6, TCP)), struct.pack(order + "HH", 1, 4) + b"note"
    section = block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    section += block(order, 1, struct.pack(order + "HHI", 1, 0, 0))
    section += block(order, 10, struct.pack(order + "II", 0x544C534B, 4) + b"key ")
    section += block(order, 1, struct.pack(order + "HHI", 1, 0, 96) +
                     struct.pack(order + "HHB3xHHqHH", 9, 1, 9, 14, 8, -5, 0, 0))
    odd = struct.pack(order + "HHIHHI", 2988, 4, 7, 10, 4, 1) + struct.pack(order + "HHB11x", 7, 9, 1)
    for i in range(3):
        place = struct.pack(order + "IIIII", i % 2, 0x60000, i, len(frame), len(frame))
        section += block(order, 6, place + frame + bytes(-len(frame) % 4) + option * (i % 2))
    section += block(order, 6, struct.pack(order + "IIIII", 0, 0x60000, 5, 0, 60) + odd +
                     struct.pack(order + "HHII", 8, 8, 1, 2))
    section += block(order, 4, bytes(4)) + block(order, 5, bytes(12)) + block(order, 99, bytes(8))
    section += block(order, 0xBAD, struct.pack(order + "I", 7) + b"copied")
    section += block(order, 3, struct.pack(order + "I", len(frame)) + frame)
    section += block(order, 2, struct.pack(order + "HHIIII", 0, 1, 0x60000, 9, len(frame), 60) + frame)
    return section * 2


def names() -> dict[str, bytes]:
    key = bytes(range(40))
    templates = ["{n:8}_{key}.pcap", "{input}_flow-{n}.pcap", "{proto}/{src}-{dst}_{sport}_{dport}",
                 "a{first}", "../{n}", "/x", "{n", "{zz}", "{n:99}", "x}y", "a//b", ".hidden", "{n}{n}"]
    return {str(i): key + b"/tmp/day3.pcap\0" + t.encode() for i, t in enumerate(templates)}


def fragments() -> dict[str, bytes]:
    """Operations of three bytes: 0x80 and above take a fragment of datagram op & 31."""
    first, later, last, again = b"\xa0\x08\x80", b"\xa0\x08\x81", b"\xa0\x08\x02", b"\xa0\x08\xc0"
    on, far, files, flood = b"\0\x10\2", b"\0\xff\x0f", b"\x20\x10\0", b"\x60\xff\1"
    return {
        "in-order": first + later + last,
        "first-last": later + on + last + first,
        "duplicates": first + later + again + last + later + first,
        "given-up": later + far + later + files + first + last,
        "two": first + b"\xa1\x08\x80" + later + b"\xa1\x08\1" + last,
        "holes": first + b"".join(bytes([0xA0, 8, 0x80 | i]) for i in range(2, 32, 2)) + last,
        "late": first + later + b"\x5f\xff\xfe" + last + first,
        "flood": first + flood * 5 + later + last,
    }


def recovered(whole: dict[str, bytes]) -> dict[str, bytes]:
    """Bodies behind the headers that the target makes: the byte that names one, then records."""
    headers = {"us-le": (0, 24), "us-be": (1, 24), "ns-le": (2, 24), "ns-be": (3, 24),
               "modified": (4, 24), "old": (6, 24), "pcapng<": (8, 28), "pcapng>": (9, 28),
               "garbage": (0, 24), "pcapng-garbage": (8, 28), "long": (64, 24)}
    out = {}
    for name, (choice, header) in headers.items():
        body = whole[name][header:]
        out[name] = bytes([choice | 32]) + body
        out[name + "-hole"] = bytes([choice | 96]) + body[:90] + b"\xff" * 31 + body[150:]
        if name in ("us-be", "pcapng<"):
            out[name + "-pieces"] = bytes([choice | 224]) + body[:90] + b"\xff" * 31 + body[150:]
    return out


def options() -> dict[str, bytes]:
    """By, host, port, proto, vlan, name, filter."""
    rows = [
        ("", "", "", "", "", "", ""),
        ("flow", "10.0.0.1,10.0.0.0/30", "80,1000-2000", "tcp,17", "0-1", "{n}_{key}", "ip"),
        ("ip,vlan", "fd00::/64", "53", "udp", "1", "{proto}/{src}-{dst}", "ip6 or vlan 1"),
        ("host,proto", "", "", "icmp", "", "{input}{n}.pcap", "tcp[13] & 2 != 0"),
        ("client,server", "::ffff:10.0.0.1", "0-65535", "6-17", "", "{first}", "udp port 53"),
        ("none", "", "", "", "4095", "a\"b,\u00e4\n{n}", "len > 60 and not arp"),
        ("connection", "10.0.0.300", "70000", "nope", "1-", "{x}", "host there.invalid"),
        ("flow,tunnel,iface,vlan,mac", "", "", "", "", "{vlan}{mac}{tunnel}{iface}", "ether[0] = 1"),
    ]
    return {"%d-%d" % (i, flags): bytes([flags, 3]) + b"\0".join(t.encode() for t in row) + b"\0"
            for i, row in enumerate(rows) for flags in (0, 1, 17, 33, 78, 129)}


def rows() -> dict[str, bytes]:
    noise = random.Random(1)
    names = [b"a.pcap", b"a,b", b'"', b"\r\n", b"\xff\xc0\x80", "\u00e4\u20ac\U0001f600".encode(), b"\1\x7f\\",
             b'",",' * 40, b"\xed\xa0\x80\xf4\x90\x80\x80"]
    return {str(i): bytes([i * 29 & 255, i, i * 91 & 255, i]) + noise.randbytes(40 + 44 + 40 + 2 + 64) + n
            for i, n in enumerate(names)}


def lists() -> dict[str, bytes]:
    return {
        "csv": b'src,sport,dst,dport,proto,community_id,first,last,label,x\r\n10.0.0.1,5,::1,80,tcp,,,,"a ""b"",",y\r\n'
               b'10.0.0.1,,,,udp,,2026-11-24T00:00:00.5+01:00,1.25,l,\n,,,,,1:LQU9qZlK+B5F3KDmev6m5PMibrg=,,,,\n',
        "json": b'{"src_ip":"10.0.0.1","src_port":5,"proto":"TCP","flow":{"start":"2026-11-24T00:00:00.5+0000"},'
                b'"a":[1,{"b":"c\\u00e9"}],"label":"\\ud83d\\n"}\n{"first":-1.5e3,"dport":80}\n{"id":{"orig_h":"::1"}}\n',
        "zeek": b'#separator \\x09\n#fields\tts\tid.orig_h\tid.orig_p\tproto\tduration\n'
                b'1.5\t10.0.0.1\t8\ticmp\t-\n1.5\t::1\t5\tudp\t0.25\n',
        "zeek-again": b'#fields\tid.orig_h\tlabel\n10.0.0.1\ta\n#fields\tlabel\tid.orig_h\tts\nb\t10.0.0.2\t1.5\n'
                      b'#fields\tid.orig_h\tlabel\n10.0.0.3\tb\n10.0.0.1\ta\n',
        "many": b'dst,label,dport\r\n' + b''.join(b'10.0.%d.7,l%d,%d\r\n' % (i % 5, i % 3, i % 7) for i in range(60)),
        "words": b'1:LQU9qZlK+B5F3KDmev6m5PMibrg=\n# 7\n7\n',
    }


def recipes() -> dict[str, bytes]:
    """Eight bytes of options, four of damage, then captures: kind, packets of five bytes, changes."""
    noise = random.Random(2)
    out = {}
    for i in range(96):
        archive = 8 if i >= 64 else 0
        o = noise.randbytes(8) if i % 2 else bytes([i // 2 & 15, 0, 0, 0, 0, 2 | archive, 0, 0])
        capture = bytes([i * 5 & 63, 12]) + noise.randbytes(60)
        out[str(i)] = o + noise.randbytes(4) + capture + capture * (o[5] & 1) + noise.randbytes(i % 3 * 3)
    return out


def receipt() -> dict[str, bytes]:
    counts = {"records_read": 16, "records_written": 16, "copies": 0, "flows": 9, "outputs": 10,
              "dropped": {"other": 0, "filtered": 0, "small": 0, "capped": 0},
              "dropped_blocks": {"interface_statistics": 0, "custom": 0, "unknown": 0, "metadata": 0}}
    usual = {"by": "flow", "inner": False, "directed": False, "format": "copied", "compress": "none",
             "each": False, "merge": False, "metadata": True, "recover": False, "other": True,
             "manifest": "csv"}
    more: list[dict[str, object]] = [
        {}, {"by": "ip,vlan", "shards": 3}, {"idle_timeout_ns": 1000, "active_timeout_ns": 5},
        {"every": "records", "every_n": 2}, {"top": 2, "min_packets": 1, "min_bytes": 60},
        {"host": "10.0.0.1", "port": "80", "proto": "tcp", "vlan": "1", "filter": "ip"},
        {"after": "x", "after_ns": 1, "before": "y", "before_ns": -1, "name": "{n}"},
        {"each": True}, {"merge": True, "recover": True, "manifest": "jsonl"}, {"compress": "zstd"},
        {"format": "pcapng", "metadata": False, "snaplen": 60, "community_seed": 1},
        {"max_packets_per_flow": 1, "max_bytes_per_flow": 100, "other": False, "manifest": "none"},
    ]
    more += [{"filter": "host there.invalid"}, {"filter": "port http or dst face::1 and tcp[0:2] = 7"},
             {"report": "page.html"}, {"report": "other.pcap"}]

    def text(options: dict[str, object], n: int) -> bytes:
        inputs = [{"file": "in.pcap", "bytes": 0}] * n  # of another size it would be another capture
        return json.dumps({"cleave": "0.1.0", "inputs": inputs, "options": options} | counts).encode()
    out = {str(i): text(usual | o, 1) for i, o in enumerate(more)}
    out["two"] = text(usual, 2) + b" "
    out["two-each"] = text(usual | {"each": True}, 2) + b" "
    out["cut"] = out["0"][:200]
    out["unknown"] = text(usual | {"colour": 7}, 1)
    out["digest"] = out["0"].replace(b'{', b'{"records_digest": "%064x", ' % 1, 1)
    out["packed"] = out["0"].replace(b'"bytes": 0', b'"bytes": 9, "compression": "gzip"', 1)
    out["size"] = out["0"].replace(b'"bytes": 0', b'"bytes": 9', 1)
    return out


class Unseekable(io.BytesIO):
    """Sizes follow a member's data in what is written to a pipe."""

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        raise OSError


def archive(names: Sequence[str], method: int = zipfile.ZIP_STORED, wide: bool = False,
            to: type[io.BytesIO] = io.BytesIO, comment: bytes = b"") -> bytes:
    whole = to()
    with zipfile.ZipFile(whole, "w", method) as z:
        z.comment = comment
        for name in names:
            info = zipfile.ZipInfo(name, (2025, 4, 15, 12, 0, 0))
            info.compress_type = method
            with z.open(info, "w", force_zip64=wide) as member:
                member.write(name.encode() * 3)
    return whole.getvalue()


def zip64_end(z: bytes, n: int) -> bytes:
    """The archive, which has no comment, with end records of 64 bits."""
    size, offset = struct.unpack("<II", z[-10:-2])
    end64 = struct.pack("<IQHHIIQQQQ", 0x06064b50, 44, 45, 45, 0, 0, n, n, size, offset)
    return z[:-22] + end64 + struct.pack("<IIQI", 0x07064b50, 0, len(z) - 22, 1) + \
        z[-22:-14] + b"\xff" * 12 + b"\0\0"


def archives() -> dict[str, bytes]:
    two = archive(["a.pcap", "b/c.pcap"])
    return {
        "none": archive([]), "stored": two, "deflated": archive(["a", "b"], zipfile.ZIP_DEFLATED),
        "wide": archive(["a", "b"], wide=True), "zip64": zip64_end(two, 2),
        "zip64-wide": zip64_end(archive(["a", "b"], wide=True), 2),
        "piped": archive(["a", "b"], zipfile.ZIP_DEFLATED, to=Unseekable),
        "piped-wide": archive(["a", "b"], wide=True, to=Unseekable),
        "comment": archive(["a"], comment=b"PK\5\6 a comment"), "unpacks-itself": b"#!/bin/sh\n" + two,
        "unpacks-itself-64": bytes(9) + zip64_end(two, 2), "followed": two + b"\0\0", "cut": two[:-1],
        "many": archive(["%d" % i for i in range(30)]), "names": archive(["../a", "/etc/x", "", "\u00e4"]),
        "encrypted": two.replace(b"\x14\0\0\0\0\0", b"\x14\0\1\0\0\0"),
    }


def indexes() -> dict[str, bytes]:
    """A way to change an index, and what by: see fuzz_index.c."""
    shb = bytes.fromhex("0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000")
    wheres = ["bytes > 100", "1) OR (1", "proto = 'udp' -- all", "(SELECT 1 FROM cleave)", "1; 2",
              "src_key > x'04'", "zeroblob(99999999)", "flow IN (SELECT flow FROM flows)", "''"]
    out = {"bytes-%d" % at: struct.pack(">BHB", 0, at, 0xff) for at in range(0, 60000, 3001)}
    for i, p in enumerate((b"", b"\x80", b"\0\0", b"\xff" * 9, b"\0\x42", b"\x42" * 40, b"\0" + b"\xff" * 8)):
        out["positions-%d" % i] = bytes([1, i]) + p
    for i, p in enumerate((b"", shb, shb[:20], shb[::-1], shb + b"\1\0\0\0" + b"\x14\0\0\0" * 4)):
        out["block-%d" % i] = bytes([2, i * 9]) + p
    for i, n in enumerate((0, 1, 66, 1 << 40, (1 << 63) - 1, 1 << 63)):
        out["capture-%d" % i] = b"\3" + n.to_bytes(8, "big")
    for i, p in enumerate((b"", b"{}", b"[", b'{"options":{"by":"flow"},"inputs":[{"file":"x","bytes":1}]}')):
        out["receipt-%d" % i] = b"\4" + p
    for i, p in enumerate((b"", b"/etc/x", b"../x", b"a/./b", b"a//b", b"a\0b", b"\xff\x1b[31m", b"a" * 600)):
        out["file-%d" % i] = bytes([5, i]) + p
    return out | {"where-%d" % i: b"\6" + w.encode() for i, w in enumerate(wheres)}


def dns_name(name: str) -> bytes:
    return b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0"


def dns_message(flags: int, questions: Sequence[bytes], *sections: Sequence[bytes]) -> bytes:
    """Of questions, and of the three sections of records; those that are left out are empty."""
    counts = [len(questions)] + [len(s) for s in sections] + [0] * (3 - len(sections))
    return struct.pack("!HH4H", 7, flags, *counts) + b"".join(questions) + b"".join(sum(sections, ()))


def dns_record(owner: bytes, kind: int, data: bytes, klass: int = 1, ttl: int = 60) -> bytes:
    return owner + struct.pack("!HHIH", kind, klass, ttl, len(data)) + data


def dns_messages() -> dict[str, bytes]:
    to_first, name = b"\xc0\x0c", dns_name
    a, aaaa, https = (name("www.example.com") + struct.pack("!HH", kind, 1) for kind in (1, 28, 65))
    params = b"\0\1\0\3\2h2\0\4\0\4" + V4[0] + b"\0\6\0\x20" + V6[0] + V6[1]
    chain = [name("n%d.b" % i) for i in range(5)]
    links = tuple(dns_record(chain[i], 5, chain[i + 1]) for i in range(4))
    first = chain[0] + b"\0\1\0\1"
    last = dns_record(chain[4], 1, V4[1])
    opt = dns_record(b"\0", 41, b"", 1232)
    local = name("host.local")
    return {
        "query": dns_message(0x0100, (a,), (), (), (opt,)),
        "answer": dns_message(0x8180, (a,), (dns_record(to_first, 1, V4[0]), dns_record(to_first, 1, V4[1]))),
        "aaaa": dns_message(0x8180, (aaaa,), (dns_record(name("WWW.example.com"), 28, V6[0]),), (), (opt,)),
        "chain": dns_message(0x8180, (first,), links + (last,)),
        "backward": dns_message(0x8180, (first,), (last,) + links[::-1]),
        "two": dns_message(0x8180, (a, to_first + b"\0\x1c\0\1"),
                           (dns_record(to_first, 28, V6[0]), dns_record(to_first, 1, V4[0]))),
        "https": dns_message(0x8180, (https,), (dns_record(to_first, 65, b"\0\1\0" + params),)),
        "alias": dns_message(0x8180, (https,), (dns_record(to_first, 65, b"\0\0" + name("c.d")),), (),
                             (dns_record(name("c.d"), 65, b"\0\1" + name("e.f") + params),
                              dns_record(name("e.f"), 1, V4[0]))),
        "srv": dns_message(0x8180, (name("_sip._udp.b") + b"\0\x21\0\1",),
                           (dns_record(to_first, 33, b"\0\1\0\1\x13\xc4" + name("h.b")),), (),
                           (dns_record(name("h.b"), 1, V4[0]),)),
        "mx": dns_message(0x8180, (name("b") + b"\0\x0f\0\1",),
                          (dns_record(to_first, 15, b"\0\n\2mx" + to_first),), (),
                          (dns_record(name("mx.b"), 28, V6[1]),)),
        "mdns": dns_message(0x8400, (), (dns_record(local, 1, V4[0], 0x8001),), (),
                            (dns_record(to_first, 28, V6[0], 0x8001), dns_record(to_first, 1, V4[1], ttl=0))),
        "probe": dns_message(0, (local + b"\0\xff\x80\1",), (), (dns_record(to_first, 1, V4[0]),)),
        "update": dns_message(0xa800, (a,), (), (dns_record(to_first, 1, V4[0]),)),
        "loop": dns_message(0x0100, (b"\1a\xc0\x0c\0\1\0\1",)),
        "counts": struct.pack("!6H", 7, 0x8180, 0, 65535, 65535, 65535),
    }


def quotes(v6: bool) -> dict[str, bytes]:
    """Errors of ICMP, or ICMPv6."""
    packet = ipv6(17, udp(53, b"x")) if v6 else ipv4(17, udp(53, b"x"))
    out = {"%d" % kind: bytes([kind, 0, 0, 0, 0, 0, 0, 0]) + packet
           for kind in ((1, 2, 3, 4) if v6 else (3, 4, 5, 11, 12))}
    later = ipv6(44, b"\x11\0\0\x08" + bytes(4) + b"data") if v6 else ipv4(17, b"data", 0x2001)
    extended = bytes([1, 0, 0, 0, 16]) if v6 else bytes([3, 0, 0, 0, 0, 32])
    out["later"] = out["1" if v6 else "3"][:8] + later
    out["extended"] = extended.ljust(8, b"\0") + packet.ljust(128, b"\0") + b"\x20\0\0\0\0\4\1\1"
    return out


SDP = (b"v=0\r\nc=IN IP4 192.0.2.1/127\r\na=setup:passive\r\nm=audio 5004/2 RTP/AVP 0\r\na=rtcp:5009 IN IP6 "
       b"2001:db8::1\r\nm=image 5010 TCP/RTP t38\r\nc=IN IP6 h.invalid\r\nm=video 6000 UDP/TLS/RTP/SAVPF 1\r\n"
       b"a=rtcp-mux\r\na=candidate:1 1 tcp 2 192.0.2.5 9001 typ host tcptype passive\r\n")


def sips() -> dict[str, bytes]:
    def message(start: str, fields: str, body: bytes) -> bytes:
        head = "%s\r\nVia: SIP/2.0/UDP a\r\n%sl:%d\r\n\r\n" % (start, fields, len(body))
        return head.encode() + body
    part = b"--b\r\nc: application/sdp\r\n\r\n" + SDP
    inner = b"--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + part + b"\r\n--b--\r\n--a--"
    answer = "CSeq: 1 INVITE\r\nCall-ID:\r\n x@y\r\nContent-Type: application/sdp\r\n"
    return {
        "offer": message("INVITE sip:b@c SIP/2.0", "i: x@y\r\nc: application/sdp\r\n", SDP),
        "answer": message("SIP/2.0 183 Session Progress", answer, SDP),
        "mixed": message("ACK sip:b SIP/2.0", 'c: multipart/mixed; x="y;";boundary="b"\r\n', part + b"--b--\r\n"),
        "nested": message("UPDATE sip:b SIP/2.0", "c: multipart/mixed;boundary=a\r\n", inner),
        "bye": message("BYE sip:b SIP/2.0", "Call-ID : z\r\ne: gzip\r\n", b""),
    }


def rtsps() -> dict[str, bytes]:
    return {
        "setup": b"SETUP rtsp://a/1 RTSP/1.0\r\nTransport: RTP/AVP;unicast;client_port=4588-4589;mode=\"a,b\","
                 b"RTP/AVP/TCP;interleaved=0-1\r\n\r\n",
        "ok": b"RTSP/1.0 200 OK\r\nSession: 1;timeout=9\r\nContent-Length: 3\r\nTransport: RTP/AVP;client_port=8-9;"
              b"server_port=6;source=192.0.2.1;destination=198.51.100.7\r\n\r\nabc",
        "ok2": b'RTSP/2.0 200 OK\r\nTransport: RTP/AVP/UDP;dest_addr="192.0.2.5:34"/":35";src_addr="[2001:db8::2]:6"'
               b"\r\n\r\n",
        "frame": b"$\0\0\4abcd",
    }


def ftps() -> dict[str, bytes]:
    lines = (b"PORT 192,0,2,1,4,1", b"EPRT |2|2001:db8::1|5282|", b"LPRT 4,4,192,0,2,1,2,4,1", b"\xff\xf4\xff\xf2ABOR",
             b"220-ready", b"227 Passive (192,0,2,1,4,1)", b"228 Long (4,4,192,0,2,1,2,4,1)", b"229 Ok (|||6446|)",
             b"234 AUTH")
    return {"%d" % i: line + b"\r\n" for i, line in enumerate(lines)}


def https() -> dict[str, bytes]:
    return {
        "get": b"GET /a/../b?c HTTP/1.1\r\nHost: example.com:80\r\nReferer: http://example.com/\r\n\r\n",
        "post": b"\r\nPOST http://u@b:81/c HTTP/1.0\nContent-Length: 5, 5\nReferer:\n b\n\nhello",
        "connect": b"CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        "found": b"HTTP/1.1 302 Found\r\nLocation: ../x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    }


def client_hello(dtls: bool = False) -> bytes:
    """A handshake message."""
    name, protocols = b"www.example.com", b"\x02\x0a\x0a\x02h2"
    sni = struct.pack("!HHHBH", 0, len(name) + 5, len(name) + 3, 0, len(name)) + name
    alpn = struct.pack("!HHH", 16, len(protocols) + 2, len(protocols)) + protocols
    body = (b"\xfe\xfd" if dtls else b"\3\3") + bytes(32) + b"\1s" + (b"\2ck" if dtls else b"")
    body += b"\0\2\x13\1\1\0" + struct.pack("!H", len(sni + alpn)) + sni + alpn
    return b"\1" + struct.pack("!L", len(body))[1:] + body


def tlss() -> dict[str, bytes]:
    message, dtls = client_hello(), client_hello(dtls=True)
    def record(part: bytes) -> bytes:
        return b"\x16\3\1" + struct.pack("!H", len(part)) + part
    fragment = dtls[:4] + bytes(5) + dtls[1:4] + dtls[4:]
    return {
        "one": record(message),
        "two": record(message[:50]) + record(message[50:]),
        "handshake": message,
        "server": record(b"\2" + message[1:]),
        "alert": b"\x15\3\3\0\2\2\x28",
        "dtls": b"\x16\xfe\xfd" + bytes(8) + struct.pack("!H", len(fragment)) + fragment,
    }


def quics() -> dict[str, bytes]:
    """Datagrams in turn as frames that are sealed, and as they are; each after its length."""
    message = client_hello()
    def counted(*datagrams: bytes) -> bytes:
        return b"".join(struct.pack("!H", len(d)) + d for d in datagrams)
    def crypto(start: int, end: int) -> bytes:
        return b"\6" + struct.pack("!HH", 0x4000 | start, 0x4000 | (end - start)) + message[start:end]
    raw = b"\xc3\0\0\0\1\x04fuzz\0\0\x40\x20" + bytes(32)
    return {
        "one": counted(crypto(0, len(message))),
        "parts": counted(crypto(40, len(message)) + b"\2\5\0\1\0\1\1", raw, crypto(0, 30) + crypto(20, 45)),
        "close": counted(b"\x1c\1\6\2ok\1\0", raw + raw),
    }


def segments() -> dict[str, bytes]:
    def segment(taken: int, step: int, data: bytes) -> bytes:
        return struct.pack("!BhH", taken, step, len(data)) + data
    return {
        "order": segment(0, 0, b"abc") + segment(1, 3, b"def") + segment(9, 3, b"ghijklm"),
        "early": segment(0, 9, b"j") + segment(0, -9, b"abcdefghi") + segment(10, 20000, b"late"),
        "gaps": b"".join(segment(0, 2, b"x") for _ in range(20)),
    }


def sights() -> dict[str, bytes]:
    """A reader's number in fuzz_sight.c, and what it reads."""
    readers: list[tuple[str, dict[str, bytes]]] = [
        ("dns", dns_messages()),
        ("tftp", {"read": b"\0\1dir/a.txt\0octet\0blksize\x001428\0", "write": b"\0\2a\0NetASCII\0"}),
        ("icmp", quotes(v6=False)),
        ("icmpv6", quotes(v6=True)),
        ("name", {"name": b"WWW.Example.com.", "address": b"192.0.2.1", "long": (b"x" * 63 + b".") * 4}),
        ("sip", sips()),
        ("sdp", {"sdp": SDP}),
        ("rtsp", rtsps()),
        ("ftp", ftps()),
        ("http", https()),
        ("url", {"relative": b"../g;x?y#s", "absolute": b"HTTP://u@A:80/a//../b", "host": b"//[::1]:8080"}),
        ("tls", tlss()),
        ("quic", quics()),
        ("segments", segments()),
    ]
    return {"%s-%s" % (reader, name): bytes([number]) + data
            for number, (reader, inputs) in enumerate(readers) for name, data in inputs.items()}


def main() -> None:
    root = Path(sys.argv[1])
    corpus = {
        "walk": captures(),
        "decode": {k: struct.pack("!H", link) + p for k, (link, p) in packets().items()},
        "name": names(),
        "fragments": fragments(),
        "recover": recovered(captures()),
        "select": options(),
        "list": lists(),
        "manifest": rows(),
        "verify": recipes(),
        "receipt": receipt(),
        "unzip": archives(),
        "index": indexes(),
        "sight": sights(),
    }
    corpus["split"] = {"%s-%d" % (name, choice): bytes([choice]) + data
                       for i, (name, data) in enumerate(corpus["walk"].items())
                       for choice in ((37 * i) % 256, (37 * i + 24) % 256)}
    whole = corpus["walk"]["us-le"]
    corpus["split"].update(gzip=b"\0" + gzip.compress(whole), xz=b"\0" + lzma.compress(whole),
                           bzip2=b"\0" + bz2.compress(whole))
    for target, files in corpus.items():
        (root / target).mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (root / target / name).write_bytes(data)


if __name__ == "__main__":
    main()
