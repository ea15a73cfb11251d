# SPDX-License-Identifier: BSD-2-Clause
"""Random pcapng captures. As a program: pcapngsamples.py SEED FILE saves one with everything in it.
"""
import dataclasses
import os
import random
import struct
import sys
from fractions import Fraction
from typing import Callable, List, NamedTuple, Optional, Sequence, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import pcapfile as pf
import pcapngfile as ng

HOSTS4 = ['10.0.0.1', '10.0.0.2', '10.0.1.0', '192.168.0.255', '172.16.5.4']
HOSTS6 = ['2001:db8::1', '2001:db8::2', 'fe80::1', 'ff02::fb']
WITH_PORTS = (pf.TCP, pf.UDP, pf.UDPLITE, pf.SCTP, pf.DCCP)
PROTOS = [pf.TCP, pf.TCP, pf.UDP, pf.UDP, pf.SCTP, pf.UDPLITE, pf.GRE, 89]
LINKS = (pf.LINK_ETHERNET, pf.LINK_RAW, pf.LINK_SLL, pf.LINK_NULL, pf.LINK_SLL2, pf.LINK_LOOP,
         pf.LINK_IPV4, pf.LINK_PPP, pf.LINK_USER0)
# if_tsresol; None: not given, microseconds.
RESOLUTIONS: Tuple[Optional[int], ...] = (
    None, ng.tsresol(10, 6), ng.tsresol(10, 9), ng.tsresol(10, 3), ng.tsresol(10, 0),
    ng.tsresol(10, 12), ng.tsresol(2, 10), ng.tsresol(2, 20), ng.tsresol(2, 32), ng.tsresol(2, 0))
UNKNOWN_TYPES = (0x7fff1234, 0x80000042, 0x12345678)
NOON = 1500033600


@dataclasses.dataclass(frozen=True)
class Shape:
    """What a random capture may have in it."""
    sections: int = 1
    packets: int = 200
    big_endian: Optional[bool] = None  # None: each section by chance
    links: Sequence[int] = (pf.LINK_ETHERNET,)
    interfaces: int = 1  # of a section, at most
    resolutions: Sequence[Optional[int]] = (None,)
    options: bool = False   # comments and all the others, on everything that has some
    simple: bool = False    # Simple Packet Blocks in some of the sections with one interface
    obsolete: bool = False  # Packet Blocks among the enhanced ones
    metadata: bool = False  # names, secrets, custom blocks that may be copied
    ignored: bool = False   # statistics, other custom blocks, unknown blocks
    snapped: bool = False   # interfaces with a small snaplen
    talks: int = 40
    payload_max: int = 200


EVERYTHING = Shape(sections=5, packets=400, links=LINKS, interfaces=5, resolutions=RESOLUTIONS,
                   options=True, simple=True, obsolete=True, metadata=True, ignored=True,
                   snapped=True)


# ---- packets ----

class Talk(NamedTuple):
    """Two endpoints and a protocol."""
    a: str
    b: str
    proto: int
    a_port: int
    b_port: int


def random_talk(rng: random.Random) -> Talk:
    hosts = rng.choice([HOSTS4, HOSTS4, HOSTS6])
    ports = [53, 443, rng.randrange(65536)]
    return Talk(rng.choice(hosts), rng.choice(hosts), rng.choice(PROTOS), rng.choice(ports),
                rng.choice(ports))


def ip_packet(rng: random.Random, talk: Talk, payload: bytes) -> bytes:
    """One of the talk in a random direction, at times a later fragment."""
    src, dst, sport, dport = (talk.a, talk.b, talk.a_port, talk.b_port) if rng.random() < 0.5 \
        else (talk.b, talk.a, talk.b_port, talk.a_port)
    body = pf.transport(talk.proto, src, dst, sport, dport, payload, rng.randrange(256)) \
        if talk.proto in WITH_PORTS else payload
    if len(body) > 24 and rng.random() < 0.05:
        return rng.choice(list(pf.fragments(src, dst, talk.proto, body, 16, rng.getrandbits(16))))
    return pf.ip(src, dst, talk.proto, body)


def on_link(rng: random.Random, linktype: int, packet: bytes) -> bytes:
    six = packet[0] >> 4 == 6
    ethertype = pf.TYPE_IPV6 if six else pf.TYPE_IPV4
    if linktype == pf.LINK_ETHERNET:
        return pf.ethernet(packet, ethertype, vlans=rng.choice([[], [], [7], [5, 7]]))
    if linktype == pf.LINK_SLL:
        return pf.sll(packet, ethertype)
    if linktype == pf.LINK_SLL2:
        return pf.sll2(packet, ethertype)
    if linktype == pf.LINK_NULL:
        return struct.pack(rng.choice('<>') + 'I', rng.choice([24, 28, 30]) if six else 2) + packet
    if linktype == pf.LINK_LOOP:
        return struct.pack('>I', 24 if six else 2) + packet
    if linktype == pf.LINK_PPP:
        return b'\xff\x03\0' + (b'\x57' if six else b'\x21') + packet
    return packet


NO_ADDRESS = [pf.arp('10.0.0.1', '10.0.0.2'), b'', b'\0', bytes(13), bytes(60),
              pf.ethernet(b'\x42\x42\x03' + bytes(35), 38), pf.ethernet(bytes(46), 0x88cc)]


# ---- options and other blocks ----

def words(rng: random.Random) -> str:
    return ' '.join(rng.choice(['seen', 'by', 'nobody', 'größer', '流れ', 'x', 'retransmission'])
                    for _ in range(rng.randint(0, 6)))


def other_options(rng: random.Random) -> List[Tuple[int, bytes]]:
    """Custom ones, and one that nobody knows."""
    value = rng.randbytes(rng.randrange(20))
    return rng.sample([(2988, b'\0\0\x7e\xd9' + b'text'), (2989, b'\0\0\x7e\xd9' + value),
                       (19373, b'\0\0\x7e\xd9' + value), (0x7abc, value)], rng.randint(0, 2))


def packet_options(rng: random.Random, maker: ng.Maker, obsolete: bool) -> bytes:
    def maybe(value: object) -> object:
        return value if rng.random() < 0.4 else None
    new = (lambda value: None) if obsolete else maybe
    return maker.epb_options(
        comments=[words(rng) for _ in range(rng.choice([0, 1, 1, 2]))],
        flags=maybe(rng.choice([1, 2, 0x1c5])),
        hashes=[rng.choice([b'\x02' + rng.randbytes(4), b'\x03' + rng.randbytes(16)])
                for _ in range(rng.choice([0, 0, 1]))],
        dropcount=new(rng.getrandbits(40)), packetid=new(rng.getrandbits(64)),
        queue=new(rng.randrange(64)), verdict=new(b'\0' + rng.randbytes(3)),
        more=other_options(rng), end=rng.random() < 0.8)


def metadata_block(rng: random.Random, maker: ng.Maker) -> bytes:
    kind = rng.randrange(3)
    if kind == 0:
        names = [(pf.address(rng.choice(HOSTS4 + HOSTS6)), 'host%d.example' % rng.randrange(99))
                 for _ in range(rng.randint(0, 4))]
        return maker.nrb(names, maker.options([(ng.COMMENT, words(rng).encode())])
                         if rng.random() < 0.3 else b'')
    if kind == 1:
        line = 'CLIENT_RANDOM %s %s\n' % (rng.randbytes(32).hex(), rng.randbytes(48).hex())
        return maker.dsb(line.encode() * rng.randint(0, 2),
                         rng.choice([ng.TLS_KEY_LOG, ng.WIREGUARD_KEY_LOG]))
    return maker.custom(rng.choice([32473, 0, 0xffffffff]), rng.randbytes(rng.randrange(50)))


def ignored_block(rng: random.Random, maker: ng.Maker, interfaces: int) -> bytes:
    kind = rng.randrange(3)
    if kind == 0 and interfaces:
        return maker.isb(rng.randrange(interfaces), rng.getrandbits(50), maker.options(
            [(ng.ISB_IFRECV, maker.pack('Q', rng.getrandbits(40))), (ng.COMMENT, b'counted')]))
    if kind == 1:
        return maker.custom(32473, rng.randbytes(rng.randrange(50)), copyable=False)
    return maker.block(rng.choice(UNKNOWN_TYPES), rng.randbytes(4 * rng.randrange(20)))


# ---- captures ----

class Kind(NamedTuple):
    """What the generator knows of an interface."""
    raw: bytes
    linktype: int
    snaplen: int
    resolution: int
    tsoffset: int

    def ticks(self, now: Fraction) -> int:
        return (now - self.tsoffset) * ng.ticks_per_second(self.resolution) // 1


def random_interface(rng: random.Random, shape: Shape, maker: ng.Maker, name: str) -> Kind:
    linktype, resolution = rng.choice(list(shape.links)), rng.choice(list(shape.resolutions))
    snaplen = rng.choice([0, 65535, 262144])
    if shape.snapped:
        snaplen = rng.choice([snaplen, 40, 66, 97])
    offset = rng.choice([None, None, 0, -3600, 10**8]) if shape.options else None
    if resolution == ng.tsresol(10, 12):
        offset = NOON - 1000  # picoseconds since 1970 do not fit
    more = other_options(rng) + [(ng.IF_DESCRIPTION, words(rng).encode())] if shape.options else []
    options = maker.if_options(
        name if shape.options or rng.random() < 0.5 else None, resolution, offset,
        rng.choice([None, None, 0, 4]) if shape.options else None,
        [words(rng) for _ in range(rng.randrange(3))] if shape.options else [], more,
        end=rng.random() < 0.8)
    return Kind(maker.idb(linktype, snaplen, options), linktype, snaplen,
                6 if resolution is None else resolution, offset or 0)


def one_packet(rng: random.Random, shape: Shape, maker: ng.Maker, number: int, kind: Kind,
               now: Fraction, talks: Sequence[Talk], simple: bool) -> bytes:
    if rng.random() < 0.03:
        whole = rng.choice(NO_ADDRESS) if kind.linktype == pf.LINK_ETHERNET else b''
    else:
        payload = rng.randbytes(rng.randrange(shape.payload_max))
        whole = on_link(rng, kind.linktype, ip_packet(rng, rng.choice(list(talks)), payload))
    data = whole[:kind.snaplen] if kind.snaplen else whole
    if simple and rng.random() < 0.6:
        return maker.spb(data, len(whole))
    origlen = len(whole) + rng.choice([0, 0, 0, 4])
    obsolete = shape.obsolete and rng.random() < 0.3
    options = packet_options(rng, maker, obsolete) if shape.options and rng.random() < 0.3 else b''
    if obsolete:
        return maker.opb(number, kind.ticks(now), data, origlen, options,
                         rng.choice([0, 7, 0xffff]))
    return maker.epb(number, kind.ticks(now), data, origlen, options)


def random_section(rng: random.Random, shape: Shape, talks: Sequence[Talk], n: int,
                   now: Callable[[], Fraction], name: str) -> ng.Section:
    maker = ng.Maker(rng.random() < 0.5 if shape.big_endian is None else shape.big_endian)
    simple = shape.simple and rng.random() < 0.5
    wanted = 1 if simple else rng.randint(1, shape.interfaces)
    declared: List[Kind] = []
    out: List[bytes] = []
    copied: List[bytes] = []

    def others(chance: float) -> None:
        while shape.metadata and rng.random() < chance:
            if not copied or rng.random() < 0.9:
                copied.append(metadata_block(rng, maker))
            out.append(rng.choice(copied))  # some come twice
        while shape.ignored and rng.random() < chance:
            out.append(ignored_block(rng, maker, len(declared)))

    def declare() -> None:
        if declared and rng.random() < 0.2:
            declared.append(rng.choice(declared))  # another one with the same bytes
        else:
            declared.append(random_interface(rng, shape, maker, '%s-%d' % (name, len(declared))))
        out.append(declared[-1].raw)

    others(0.3)
    for _ in range(rng.randint(1, wanted)):
        declare()
        others(0.2)
    for i in range(n):
        if len(declared) < wanted and rng.random() < 2 * wanted / (n + 1):
            declare()
        k = rng.randrange(len(declared))
        out.append(one_packet(rng, shape, maker, k, declared[k], now(), talks, simple))
        others(0.04)
    others(0.3)
    options = maker.options([(ng.COMMENT, words(rng).encode()), (ng.SHB_HARDWARE, b'abacus'),
                             (ng.SHB_USERAPPL, b'none')][:rng.randint(0, 3)],
                            end=rng.random() < 0.8) if shape.options else b''
    return ng.Section(maker, out, options, give_length=rng.random() < 0.5)


def random_capture(rng: random.Random, shape: Shape,
                   talks: Optional[Sequence[Talk]] = None) -> List[ng.Section]:
    """Flows go through all sections and interfaces; a section may have no packets."""
    talks = talks or [random_talk(rng) for _ in range(shape.talks)]
    at = [Fraction(NOON)]

    def now() -> Fraction:
        steps = [Fraction(0), Fraction(1, 10**9), Fraction(1, 10**6), Fraction(-1, 1000),
                 Fraction(rng.randrange(10**15), 10**15)]
        at[0] += rng.choice(steps)
        return at[0]

    left = shape.packets
    sections = []
    for i in range(shape.sections):
        share = left if i == shape.sections - 1 else min(left, rng.choice(
            [0, 1, left // 2, shape.packets // shape.sections]))
        left -= share
        sections.append(random_section(rng, shape, talks, share, now, 'if%d' % i))
    return sections


if __name__ == '__main__':
    with open(sys.argv[2], 'wb') as saved:
        saved.write(ng.encode(random_capture(random.Random(sys.argv[1]), EVERYTHING)))
