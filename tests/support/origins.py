# SPDX-License-Identifier: BSD-2-Clause
"""What a packet says of the flow that it is of, worked out slowly: strings in dicts.

Written from the RFCs and the manual for clarity, independent of the program's code. Tunnels are
those that tests/property/keys.py builds: MPLS, GRE, VXLAN, GTP-U, Geneve, IP in IP.
"""
import base64
import copy
import dataclasses
import hashlib
import re
import struct
from typing import Dict, List, Optional, Sequence, Tuple

import pcapfile as pf

WITH_PORTS = {pf.TCP, pf.UDP, pf.DCCP, pf.SCTP, pf.UDPLITE}
EXTENSIONS = {pf.HOP_BY_HOP, pf.ROUTING, pf.FRAGMENT, pf.AH, pf.DESTINATION, 135, 139, 140}
VLAN_TYPES = {0x8100, 0x88a8, 0x9100, 0x9200, 0x9300}
TUNNELS_MAX = 4
VXLAN_PORT, GTP_PORT, GENEVE_PORT = 4789, 2152, 6081
TYPE_BRIDGED = 0x6558

Fields = Dict[str, str]


@dataclasses.dataclass
class Origin:
    """ends: family src dst proto, sport dport where there are ports, fragment or short where these
    are out of reach, flags seq ack of TCP, type code of what has no ports; empty: no network
    address. piece: what a fragment says of its datagram."""
    ends: Fields = dataclasses.field(default_factory=dict)
    outer: Fields = dataclasses.field(default_factory=dict)
    piece: Fields = dataclasses.field(default_factory=dict)
    macs: Tuple[str, ...] = ()  # source, destination
    vlans: Tuple[str, ...] = ()
    tunnels: Tuple[str, ...] = ()
    iface: int = 0
    label: str = ''  # of a list
    datagram: bytes = b''  # from the network header that counts on, without what is behind it
    transport_at: int = 0  # in the datagram


OF_THE_PACKET = ('flags', 'seq', 'ack', 'type', 'code')  # and of no other of its datagram


class Nothing(Exception):
    """No network address, or it was not captured."""


def need(data: bytes, n: int) -> None:
    if len(data) < n:
        raise Nothing()


def _u16(data: bytes, at: int) -> int:
    need(data, at + 2)
    return struct.unpack_from('!H', data, at)[0]


def ipv4_text(packed: bytes) -> str:
    return '.'.join(str(b) for b in packed)


def ipv6_text(packed: bytes) -> str:
    """RFC 5952 section 4, without the dotted form of section 5."""
    text = ':'.join('%x' % group for group in struct.unpack('!8H', packed))
    runs = [m.group() for m in re.finditer(r'(?<![0-9a-f])0(:0)+(?![0-9a-f])', text)]
    if not runs:
        return text
    longest = max(runs, key=len)  # of equals the first
    before, after = re.split(r'(?<![0-9a-f])' + longest + r'(?![0-9a-f])', text, maxsplit=1)
    return before.rstrip(':') + '::' + after.lstrip(':')


class Decoder:
    """One packet. through: look through tunnels; glance: for their identifiers only."""

    def __init__(self, through: bool, glance: bool) -> None:
        self.o = Origin()
        self.through, self.glance = through, glance

    def packet(self, linktype: int, data: bytes) -> Origin:
        try:
            if linktype not in LINKS:
                raise Nothing()
            LINKS[linktype](self, data)
        except Nothing:
            self.o.ends, self.o.piece = {}, {}
        return self.o

    # ---- links ----

    def ethernet(self, data: bytes) -> None:
        need(data, 12)
        self.o.macs, self.o.vlans = (data[6:12].hex(':'), data[:6].hex(':')), ()
        self.ethertype(_u16(data, 12), data[14:])

    def ethertype(self, kind: int, data: bytes) -> None:
        while kind in VLAN_TYPES:
            need(data, 4)
            tag, kind = struct.unpack_from('!HH', data)
            if len(self.o.vlans) < 2:
                self.o.vlans += (str(tag & 0xfff),)
            data = data[4:]
        if kind in (pf.TYPE_MPLS, 0x8848):
            self.mpls(data)
        elif kind == pf.TYPE_IPV4:
            self.ip(data)
        elif kind == pf.TYPE_IPV6:
            self.ipv6(data)
        elif kind == pf.TYPE_PPPOE:
            self.ppp(data[6:])
        elif kind <= 1500:
            self.llc(data[:kind])
        else:
            raise Nothing()

    def llc(self, data: bytes) -> None:
        need(data, 3)
        if data[:2] == b'\x06\x06':
            self.ip(data[3:])
        elif data[:2] == b'\xaa\xaa' and data[3:6] in (b'\0\0\0', b'\0\0\xf8'):
            self.ethertype(_u16(data, 6), data[8:])
        else:
            raise Nothing()

    def ppp(self, data: bytes) -> None:
        if data[:2] == b'\xff\x03':
            data = data[2:]
        need(data, 2)
        compressed = data[0] & 1
        proto = data[0] if compressed else _u16(data, 0)
        data = data[1 if compressed else 2:]
        if proto == 0x21:
            self.ip(data)
        elif proto == 0x57:
            self.ipv6(data)
        elif proto in (0x281, 0x283):
            self.mpls(data)
        else:
            raise Nothing()

    def ppp_hdlc(self, data: bytes) -> None:
        if data[:1] in (b'\x0f', b'\x8f'):
            self.cisco(data)
        else:
            self.ppp(data)

    def cisco(self, data: bytes) -> None:
        self.ethertype(_u16(data, 2), data[4:])

    def bsd(self, data: bytes, order: str) -> None:
        need(data, 4)
        number = struct.unpack_from(order + 'I', data)[0]
        if order == '<' and number >> 16:  # captured on a machine of the other byte order
            number = struct.unpack_from('>I', data)[0]
        if number == 2:
            self.ip(data[4:])
        elif number in (10, 24, 28, 30):
            self.ipv6(data[4:])
        else:
            raise Nothing()

    def sll(self, data: bytes) -> None:
        self.ethertype(_u16(data, 14), data[16:])

    def sll2(self, data: bytes) -> None:
        need(data, 20)
        self.ethertype(_u16(data, 0), data[20:])

    # ---- networks ----

    def mpls(self, data: bytes) -> None:
        bottom = False
        while not bottom:
            need(data, 5)
            entry, = struct.unpack_from('!I', data)
            self.tunnel('mpls', entry >> 12)
            bottom, data = bool(entry & 0x100), data[4:]
        self.ip(data)

    def ip(self, data: bytes) -> None:
        need(data, 1)
        if data[0] >> 4 == 4:
            self.ipv4(data)
        elif data[0] >> 4 == 6:
            self.ipv6(data)
        else:
            raise Nothing()

    def fragment_of(self, ends: Fields, ident: str, offset: int, length: int, more: int) -> None:
        if not self.o.piece:
            where = ' '.join(self.o.vlans + self.o.tunnels)
            self.o.piece = {'datagram': '%s %s %s %s' % (ends['src'], ends['dst'], ident, where),
                            'offset': str(offset), 'length': str(length),
                            'more': 'yes' if more else '', 'frame': ' '.join(self.o.macs)}

    def ipv4(self, data: bytes) -> None:
        need(data, 20)
        header, total = (data[0] & 15) * 4, _u16(data, 2) or len(data)  # 0: left to the card
        if header < 20 or total < header:
            raise Nothing()
        place = _u16(data, 6)
        self.o.datagram, self.o.transport_at = data[:total], header
        ends = {'family': '4', 'src': ipv4_text(data[12:16]), 'dst': ipv4_text(data[16:20]),
                'proto': str(data[9])}
        if place & 0x3fff:
            self.fragment_of(ends, '%d %d' % (_u16(data, 4), data[9]), 8 * (place & 0x1fff),
                             total - header, place & 0x2000)
        if place & 0x1fff:
            self.o.ends = {**ends, 'fragment': 'yes'}
        else:
            self.transport(ends, data[header:total])

    def ipv6(self, data: bytes) -> None:
        need(data, 40)
        ends = {'family': '6', 'src': ipv6_text(data[8:24]), 'dst': ipv6_text(data[24:40])}
        proto, rest = data[6], data[40:]
        promised = _u16(data, 4) or len(rest)  # 0: a jumbogram
        rest = rest[:promised]
        self.o.datagram, self.o.transport_at = data[:40] + rest, 40 + len(rest)
        # Mobility and the like are protocols where nothing follows.
        while proto in EXTENSIONS and not (proto >= 135 and rest[:1] == b'\x3b'):
            self.o.ends = {**ends, 'proto': str(rest[0] if rest else proto), 'short': 'yes'}
            if len(rest) < 8:
                return
            length = 8 * (rest[1] + 1)
            if proto == pf.AH:
                length = 4 * (rest[1] + 2)
            elif proto == pf.FRAGMENT:
                length, place = 8, _u16(rest, 2)
                if place & 0xfff9:
                    self.fragment_of(ends, '%d' % struct.unpack_from('!I', rest, 4),
                                     place & 0xfff8, promised - 8, place & 1)
                if place & 0xfff8:
                    self.o.ends = {**ends, 'proto': str(rest[0]), 'fragment': 'yes'}
                    return
            if length > len(rest):
                return
            proto, rest, promised = rest[0], rest[length:], promised - length
        self.o.transport_at = len(self.o.datagram) - len(rest)
        self.transport({**ends, 'proto': str(proto)}, rest)

    def transport(self, ends: Fields, data: bytes) -> None:
        if self.through and self.inside(ends, data):
            return
        if self.glance and not self.through:
            behind = Decoder(False, False)
            behind.o.tunnels = self.o.tunnels
            behind.inside(ends, data)
            self.o.tunnels = behind.o.tunnels
        proto = int(ends['proto'])
        if proto in WITH_PORTS:
            if len(data) < 4:
                ends['short'] = 'yes'
            else:
                ends['sport'], ends['dport'] = map(str, struct.unpack_from('!HH', data))
        if proto == pf.TCP and len(data) >= 14:
            ends['seq'], ends['ack'] = map(str, struct.unpack_from('!II', data, 4))
            ends['flags'] = str(data[13])
        if proto not in WITH_PORTS and len(data) >= 2:
            ends['type'], ends['code'] = str(data[0]), str(data[1])
        self.o.ends = ends

    # ---- tunnels ----

    def tunnel(self, kind: str, identifier: int) -> None:
        if len(self.o.tunnels) < TUNNELS_MAX:
            self.o.tunnels += ('%s%d' % (kind, identifier),)

    def inside(self, ends: Fields, data: bytes) -> bool:
        """What a tunnel carries. false: nothing, and only identifiers were taken."""
        around = copy.copy(self.o)
        try:
            self.carried(int(ends['proto']), data)
            return True
        except Nothing:
            identifiers = self.o.tunnels
            self.o = around
            self.o.tunnels = identifiers
            return False

    def carried(self, proto: int, data: bytes) -> None:
        if proto == 4:
            need(data, 20)
            self.ip(data)
        elif proto == 41:
            need(data, 40)
            self.ip(data)
        elif proto == pf.GRE:
            self.gre(data)
        elif proto == pf.UDP:
            need(data, 8)
            sport, dport = struct.unpack_from('!HH', data)
            self.in_udp(sport, dport, data[8:])
        else:
            raise Nothing()

    def gre(self, data: bytes) -> None:
        need(data, 4)
        flags, kind = struct.unpack_from('!HH', data)
        if flags & ~0x2000:
            raise Nothing()
        data = data[4:]
        if flags:
            need(data, 4)
            self.tunnel('gre', struct.unpack_from('!I', data)[0])
            data = data[4:]
        self.carried_type(kind, data)

    def carried_type(self, kind: int, data: bytes) -> None:
        if kind == TYPE_BRIDGED:
            self.ethernet(data)
        elif kind > 1500:
            self.ethertype(kind, data)
        else:
            raise Nothing()

    def in_udp(self, sport: int, dport: int, data: bytes) -> None:
        if dport == VXLAN_PORT:
            need(data, 8)
            self.tunnel('vxlan', struct.unpack_from('!I', data, 4)[0] >> 8)
            self.ethernet(data[8:])
        elif dport == GENEVE_PORT:
            need(data, 8)
            self.tunnel('geneve', struct.unpack_from('!I', data, 4)[0] >> 8)
            self.carried_type(_u16(data, 2), data[8:])
        elif GTP_PORT in (sport, dport):
            need(data, 8)
            if data[0] != 0x30 or data[1] != 255:
                raise Nothing()
            self.tunnel('gtp', struct.unpack_from('!I', data, 4)[0])
            self.ip(data[8:])
        else:
            raise Nothing()


LINKS = {
    pf.LINK_ETHERNET: Decoder.ethernet,
    pf.LINK_NULL: lambda d, data: d.bsd(data, '<'),
    pf.LINK_LOOP: lambda d, data: d.bsd(data, '>'),
    pf.LINK_PPP: Decoder.ppp,
    pf.LINK_PPP_HDLC: Decoder.ppp_hdlc,
    pf.LINK_PPP_ETHER: lambda d, data: d.ppp(data[6:]),
    pf.LINK_C_HDLC: Decoder.cisco,
    12: Decoder.ip, 14: Decoder.ip, pf.LINK_RAW: Decoder.ip, pf.LINK_IPV4: Decoder.ip,
    pf.LINK_IPV6: Decoder.ip,
    pf.LINK_SLL: Decoder.sll,
    pf.LINK_SLL2: Decoder.sll2,
}


def endpoints(linktype: int, data: bytes) -> Fields:
    """The outermost; empty: no network address."""
    return Decoder(False, False).packet(linktype, data).ends


# ---- fragments follow the first of their datagram ----

LOOKAHEAD = 1 << 20  # bytes of the capture
LIFETIME = 60 * 10**9


class Datagram:
    """The fragments of one datagram; later ones have what the first one says."""

    def __init__(self, ts_ns: Optional[int], before: Optional['Datagram']) -> None:
        self.ts_ns, self.before = ts_ns, before
        self.first: Optional[Origin] = None
        self.waiting: List[int] = []  # numbers of those that came too early
        self.have: set = set()  # bytes
        self.end: Optional[int] = None

    def complete(self) -> bool:
        """All bytes have come, and none behind a gap: there another datagram has the same id."""
        return (self.first is not None and self.end is not None and
                len(self.have) == max(self.have, default=-1) + 1 >= self.end)

    def expired(self, ts_ns: Optional[int]) -> bool:
        return None not in (ts_ns, self.ts_ns) and abs(ts_ns - self.ts_ns) > LIFETIME

    def take(self, piece: Fields) -> None:
        start, length = int(piece['offset']), int(piece['length'])
        self.have.update(range(start, start + length))
        if not piece['more']:
            self.end = start + length


def same_tuple(a: Fields, b: Fields) -> bool:
    names = ('family', 'src', 'dst', 'proto', 'sport', 'dport', 'fragment', 'short')
    return [a.get(n) for n in names] == [b.get(n) for n in names]


def followed(own: Origin, first: Origin) -> Origin:
    """A later fragment has all that its first one says, but for the interface, and for the frame
    that both are in."""
    ends = {k: v for k, v in first.ends.items() if k not in OF_THE_PACKET}
    is_around = ' '.join(first.macs) == first.piece['frame']
    return dataclasses.replace(first, ends={**ends, 'joined': 'yes'}, outer=own.outer,
                               macs=own.macs if is_around else first.macs,
                               iface=own.iface, piece=own.piece)


def with_joined(origins: Sequence[Origin], times: Sequence[Optional[int]],
                positions: Sequence[int]) -> List[Origin]:
    """positions: of the records in the capture, bytes."""
    joined = list(origins)
    datagrams: Dict[str, Datagram] = {}
    every: List[Datagram] = []
    for i, (origin, ts_ns) in enumerate(zip(origins, times)):
        piece = origin.piece
        if not piece or not origin.ends:
            continue
        first = piece['offset'] == '0'
        d = datagrams.get(piece['datagram'])
        if d is None or d.expired(ts_ns) or d.complete() or (
                first and d.first and not same_tuple(d.first.ends, origin.ends)):
            before = d if d and d.complete() and not d.expired(ts_ns) else None
            d = datagrams[piece['datagram']] = Datagram(ts_ns, before)
            every.append(d)
        d.take(piece)
        if first:
            d.first = origin
            near = [n for n in d.waiting if positions[i] - positions[n] <= LOOKAHEAD]
            for n in near:
                joined[n] = followed(origins[n], origin)
            d.waiting = [n for n in d.waiting if n not in near]
        elif d.first:
            joined[i] = followed(origin, d.first)
        else:
            d.waiting.append(i)
    for d in every:
        for n in d.waiting:
            if d.before and d.before.first:
                joined[n] = followed(origins[n], d.before.first)
    return joined


# ---- what several programs agree on ----

# Ports of services that are known.
SERVICES = {
    20, 21, 22, 23, 25, 53, 67, 68, 69, 80, 88, 110, 111, 119, 123, 135, 137, 138, 139, 143,
    161, 162, 179, 389, 443, 445, 465, 500, 514, 515, 520, 546, 547, 554, 587, 631, 636, 853,
    873, 989, 990, 993, 995, 1080, 1194, 1433, 1701, 1720, 1723, 1812, 1813, 1883, 1900, 2049,
    2123, 2152, 3306, 3389, 3478, 3544, 4500, 4789, 5060, 5061, 5222, 5269, 5353, 5355, 5432,
    5671, 5672, 5900, 6081, 6379, 6566, 6667, 6697, 8080, 8883, 9418}


def source_is_client(ends: Fields) -> bool:
    """As far as one record tells."""
    flags = int(ends.get('flags', '0'))
    if ends.get('proto') == str(pf.TCP) and flags & pf.SYN:
        return not flags & pf.ACK
    if 'sport' not in ends:
        return True
    sport, dport = int(ends['sport']), int(ends['dport'])
    if sport == dport:
        return True
    if (sport < 1024) != (dport < 1024):
        return dport < 1024
    if (sport in SERVICES) != (dport in SERVICES):
        return dport in SERVICES
    return dport < sport


# Types of ICMP and ICMPv6 that answer one another, by protocol.
ANSWERS = {pf.ICMP: {8: 0, 13: 14, 15: 16, 10: 9, 17: 18},
           pf.ICMPV6: {128: 129, 133: 134, 135: 136, 130: 131, 139: 140, 144: 145}}


def community_id(ends: Fields, seed: int = 0) -> str:
    """Version 1, of a record that has all that it takes; else ''."""
    proto = int(ends['proto'])
    src, dst = pf.address(ends['src']), pf.address(ends['dst'])
    one_way = False
    if proto in ANSWERS:
        if 'type' not in ends:
            return ''
        there = ANSWERS[proto]
        answer = {**there, **{b: a for a, b in there.items()}}
        sport = int(ends['type'])
        one_way = sport not in answer
        dport = answer.get(sport, int(ends['code']))
        ports = [struct.pack('!H', sport), struct.pack('!H', dport)]
    elif proto in (pf.TCP, pf.UDP, pf.SCTP):
        if 'sport' not in ends:
            return ''
        ports = [struct.pack('!H', int(ends[side])) for side in ('sport', 'dport')]
    else:
        ports = [b'', b'']
    low, high = (src, ports[0]), (dst, ports[1])
    if not one_way:
        low, high = sorted((low, high))
    data = struct.pack('!H', seed) + low[0] + high[0] + bytes([proto, 0]) + low[1] + high[1]
    return '1:' + base64.b64encode(hashlib.sha1(data).digest()).decode()
