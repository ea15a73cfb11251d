# SPDX-License-Identifier: BSD-2-Clause
"""What splits by any fields have to give, worked out slowly: maps of strings, no tables, no hashes.

Written from the RFCs and the manual for clarity, independent of the program's code. The decoder
knows what tests/property/keys.py builds: Ethernet and raw IP, VLAN tags, MPLS, IPv4, IPv6 with
fragment headers, and GRE, VXLAN, GTP-U, Geneve, IP in IP.
"""
import base64
import copy
import dataclasses
import hashlib
import struct
from typing import Dict, FrozenSet, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import pcapfile as pf
import pcapngfile as ng
import reference

WITH_PORTS = {pf.TCP, pf.UDP, pf.DCCP, pf.SCTP, pf.UDPLITE}
TUNNELS_MAX = 4
VXLAN_PORT, GTP_PORT, GENEVE_PORT = 4789, 2152, 6081
TYPE_BRIDGED = 0x6558
VLAN_TYPES = {0x8100, 0x88a8}
FILE_HEADER, RECORD_HEADER = 24, 16  # of classic pcap, bytes


class Record(NamedTuple):
    """A record of a capture of either format."""
    number: int  # in the capture, from 0
    linktype: int
    data: bytes
    ts_ns: Optional[int]  # None: it has no time
    origlen: int
    size: int   # with its header, as classic pcap holds it
    iface: int  # number of the interface, over all sections and files
    position: int  # in the input, bytes


def of_pcap(saved: pf.Savefile, iface: int = 0, first: int = 0, base: int = 0) -> List[Record]:
    return [Record(first + i, saved.format.linktype, r.data, r.ts_ns, r.origlen, len(r.raw), iface,
                   base + r.offset) for i, r in enumerate(saved.records)]


def of_pcapng(blocks: Iterable[ng.Block]) -> List[Record]:
    blocks = list(blocks)
    number = {i.offset: n for n, i in enumerate(ng.of_kind(blocks, ng.Interface))}
    return [Record(n, p.interface.linktype, p.data, p.ts_ns, p.origlen, RECORD_HEADER + p.caplen,
                   number[p.interface.offset], p.offset)
            for n, p in enumerate(ng.of_kind(blocks, ng.Packet))]


# ---- from a packet to what it says ----

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


class Nothing(Exception):
    """No network address, or it was not captured."""


def need(data: bytes, n: int) -> None:
    if len(data) < n:
        raise Nothing()


class Decoder:
    """One packet. through: look through tunnels; glance: for their identifiers only."""

    def __init__(self, through: bool, glance: bool) -> None:
        self.o = Origin()
        self.through, self.glance = through, glance

    def packet(self, linktype: int, data: bytes) -> Origin:
        try:
            {pf.LINK_ETHERNET: self.ethernet, pf.LINK_RAW: self.ip}[linktype](data)
        except Nothing:
            self.o.ends, self.o.piece = {}, {}
        return self.o

    def ethernet(self, data: bytes) -> None:
        need(data, 12)
        self.o.macs, self.o.vlans = (data[6:12].hex(':'), data[:6].hex(':')), ()
        need(data, 15)
        self.ethertype(struct.unpack_from('!H', data, 12)[0], data[14:])

    def ethertype(self, kind: int, data: bytes) -> None:
        while kind in VLAN_TYPES:
            need(data, 4)
            tag, kind = struct.unpack_from('!HH', data)
            if len(self.o.vlans) < 2:
                self.o.vlans += (str(tag & 0xfff),)
            data = data[4:]
        if kind == pf.TYPE_MPLS:
            self.mpls(data)
        elif kind in (pf.TYPE_IPV4, pf.TYPE_IPV6):
            self.ip(data)
        else:
            raise Nothing()

    def mpls(self, data: bytes) -> None:
        bottom = False
        while not bottom:
            need(data, 5)
            entry, = struct.unpack_from('!I', data)
            self.tunnel('mpls', entry >> 12)
            bottom, data = bool(entry & 0x100), data[4:]
        self.ip(data)

    def tunnel(self, kind: str, identifier: int) -> None:
        if len(self.o.tunnels) < TUNNELS_MAX:
            self.o.tunnels += ('%s%d' % (kind, identifier),)

    def ip(self, data: bytes) -> None:
        need(data, 1)
        if data[0] >> 4 == 4:
            self.ipv4(data)
        elif data[0] >> 4 == 6:
            self.ipv6(data)
        else:
            raise Nothing()

    def ipv4(self, data: bytes) -> None:
        need(data, 20)
        header, total = (data[0] & 15) * 4, struct.unpack_from('!H', data, 2)[0]
        place, = struct.unpack_from('!H', data, 6)
        src, dst = reference.ipv4_text(data[12:16]), reference.ipv4_text(data[16:20])
        ends = {'family': '4', 'src': src, 'dst': dst, 'proto': str(data[9])}
        if place & 0x3fff and not self.o.piece:
            ident, = struct.unpack_from('!H', data, 4)
            self.o.piece = {'datagram': '%s %s %d %d' % (src, dst, ident, data[9]),
                            'offset': str(8 * (place & 0x1fff)), 'length': str(total - header),
                            'more': 'yes' if place & 0x2000 else ''}
        if place & 0x1fff:
            self.o.ends = {**ends, 'fragment': 'yes'}
        else:
            self.transport(ends, data[header:total])

    def ipv6(self, data: bytes) -> None:
        need(data, 40)
        length, proto = struct.unpack_from('!HB', data, 4)
        src, dst = reference.ipv6_text(data[8:24]), reference.ipv6_text(data[24:40])
        ends = {'family': '6', 'src': src, 'dst': dst, 'proto': str(proto)}
        rest = data[40:40 + length]
        if proto == pf.FRAGMENT:
            if len(rest) < 8:
                self.o.ends = {**ends, 'short': 'yes', 'proto': str(rest[0] if rest else proto)}
                return
            proto, place, ident = struct.unpack_from('!BxHI', rest)
            ends['proto'] = str(proto)
            if place & 0xfff9 and not self.o.piece:
                self.o.piece = {'datagram': '%s %s %d' % (src, dst, ident),
                                'offset': str(place & 0xfff8), 'length': str(length - 8),
                                'more': 'yes' if place & 1 else ''}
            if place & 0xfff8:
                self.o.ends = {**ends, 'fragment': 'yes'}
                return
            rest = rest[8:]
        self.transport(ends, rest)

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
        else:
            self.ethertype(kind, data)

    def in_udp(self, sport: int, dport: int, data: bytes) -> None:
        if dport == VXLAN_PORT:
            need(data, 8)
            self.tunnel('vxlan', struct.unpack_from('!I', data, 4)[0] >> 8)
            self.ethernet(data[8:])
        elif dport == GENEVE_PORT:
            need(data, 8)
            self.tunnel('geneve', struct.unpack_from('!I', data, 4)[0] >> 8)
            self.carried_type(struct.unpack_from('!H', data, 2)[0], data[8:])
        elif GTP_PORT in (sport, dport):
            need(data, 8)
            if data[0] != 0x30 or data[1] != 255:
                raise Nothing()
            self.tunnel('gtp', struct.unpack_from('!I', data, 4)[0])
            self.ip(data[8:])
        else:
            raise Nothing()


def decode(record: Record, inner: bool) -> Origin:
    origin = Decoder(inner, True).packet(record.linktype, record.data)
    origin.outer = Decoder(False, False).packet(record.linktype, record.data).ends
    origin.iface = record.iface
    return origin


# ---- fragments follow the first of their datagram ----

LIFETIME = 60 * 10**9
LOOKAHEAD = 1 << 20


class Datagram:
    def __init__(self, ts_ns: Optional[int], before: Optional['Datagram']) -> None:
        self.ts_ns, self.before = ts_ns, before
        self.first: Optional[Origin] = None
        self.waiting: List[int] = []
        self.have: set = set()  # bytes
        self.end: Optional[int] = None

    def complete(self) -> bool:
        """All bytes have come, and none behind a gap: there another datagram has the same id."""
        return (self.first is not None and self.end is not None and
                len(self.have) == max(self.have, default=-1) + 1 >= self.end)

    def expired(self, ts_ns: Optional[int]) -> bool:
        return None not in (ts_ns, self.ts_ns) and abs(ts_ns - self.ts_ns) > LIFETIME


def same_tuple(a: Fields, b: Fields) -> bool:
    names = ('family', 'src', 'dst', 'proto', 'sport', 'dport', 'fragment', 'short')
    return [a.get(n) for n in names] == [b.get(n) for n in names]


def join_fragments(records: Sequence[Record], origins: List[Origin]) -> None:
    """Later fragments get all that their first one says, but for the interface."""
    assert not records or records[-1].position < LOOKAHEAD, 'first fragments may be out of reach'
    datagrams: Dict[str, Datagram] = {}
    every: List[Datagram] = []

    def follow(number: int, first: Origin) -> None:
        own = origins[number]
        ends = {k: v for k, v in first.ends.items() if k not in ('flags', 'seq', 'ack')}
        origins[number] = dataclasses.replace(first, ends={**ends, 'joined': 'yes'},
                                              outer=own.outer, iface=own.iface, piece=own.piece)

    for i, record in enumerate(records):
        origin = origins[i]
        piece = origin.piece
        if not piece or not origin.ends:
            continue
        first = piece['offset'] == '0'
        d = datagrams.get(piece['datagram'])
        if d is None or d.expired(record.ts_ns) or d.complete() or (
                first and d.first and not same_tuple(d.first.ends, origin.ends)):
            before = d if d and d.complete() and not d.expired(record.ts_ns) else None
            d = datagrams[piece['datagram']] = Datagram(record.ts_ns, before)
            every.append(d)
        start, length = int(piece['offset']), int(piece['length'])
        d.have.update(range(start, start + length))
        if not piece['more']:
            d.end = start + length
        if first:
            d.first = origin
            for early in d.waiting:
                follow(early, origin)
            d.waiting = []
        elif d.first:
            follow(i, d.first)
        else:
            d.waiting.append(i)
    for d in every:
        for early in d.waiting:
            if d.before:
                follow(early, d.before.first)


# ---- who is the client ----

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
    return dport < sport


# ---- keys ----

ALIASES = {'flow': 'ip,proto,port', '5tuple': 'ip,proto,port', 'connection': 'ip,proto,port', '3tuple': 'ip,proto',
           'hostpair': 'ip', 'none': ''}
ROLES = {'client', 'server', 'service'}


@dataclasses.dataclass(frozen=True)
class By:
    fields: FrozenSet[str]
    connections: bool = False
    directed: bool = False

    @property
    def sided(self) -> bool:
        return bool(self.fields & (ROLES | {'host'}))

    @property
    def needs_network(self) -> bool:
        return bool(self.fields & (ROLES | {'host', 'ip', 'proto', 'port'}))

    @property
    def joins(self) -> bool:
        return bool(self.fields & (ROLES | {'port', 'tunnel'}))

    def takes(self, end: str) -> FrozenSet[str]:
        """What the key has of the end a, or b."""
        taken = {'addr' if f == 'ip' else f for f in self.fields & {'ip', 'port', 'mac'}}
        if 'host' in self.fields:
            return frozenset(taken | {'addr'}) if end == 'a' else frozenset()
        if 'client' in self.fields and end == 'a' or 'server' in self.fields and end == 'b':
            taken |= {'addr'}
        if 'service' in self.fields and end == 'b':
            taken |= {'port'}
        return frozenset(taken)


def by_of(text: str, directed: bool = False) -> By:
    words = [w for word in text.split(',') for w in ALIASES.get(word, word).split(',') if w]
    if 'service' in words:
        words.append('proto')
    return By(frozenset(words), 'connection' in text.split(','), directed)


End = Tuple[bytes, bytes, bytes]  # address, port, link address; empty where the key takes none


def end_of(o: Origin, side: str, takes: FrozenSet[str]) -> End:
    addr, port, mac = bytes(16), bytes(2), bytes(6)
    if 'addr' in takes and o.ends:
        addr = pf.address(o.ends[side]).ljust(16, b'\0')
    if 'port' in takes and 'sport' in o.ends:
        port = struct.pack('!H', int(o.ends[side[0] + 'port']))
    if 'mac' in takes and o.macs:
        mac = pf.mac(o.macs[side == 'dst'])
    return addr, port, mac


class Key(NamedTuple):
    """Equal for the records of one flow and for no others."""
    a: End
    b: End
    family: str
    ports: bool
    proto: str
    has_mac: bool
    vlans: Tuple[str, ...]
    tunnels: Tuple[str, ...]
    iface: Optional[int]
    direction: str = ''
    shard: Optional[int] = None


def key_of(by: By, o: Origin, side: str) -> Tuple[Optional[Key], bool]:
    """side: the end that is a where hosts or clients are told apart. Also: from b to a.
    No key: `other`."""
    if by.needs_network and not o.ends:
        return None, False
    back = side == 'dst'
    if not by.sided:
        back = not by.directed and end_of(o, 'dst', by.takes('a')) < end_of(o, 'src', by.takes('a'))
    a = end_of(o, 'dst' if back else 'src', by.takes('a'))
    b = end_of(o, 'src' if back else 'dst', by.takes('b'))
    takes, fields = by.takes('a') | by.takes('b'), by.fields
    return Key(a, b, o.ends.get('family', '') if 'addr' in takes else '',
               'port' in takes and 'sport' in o.ends,
               o.ends['proto'] if 'proto' in fields else '', 'mac' in takes and bool(o.macs),
               o.vlans if 'vlan' in fields else (), o.tunnels if 'tunnel' in fields else (),
               o.iface if 'iface' in fields else None,
               ('back' if back else 'forth') if by.sided and by.directed else ''), back


# ---- shards: XXH3 with 64 bits of 17 to 128 bytes, from its specification ----

MASK = (1 << 64) - 1
SEED = 0x243f6a8885a308d3
SECRET = bytes.fromhex(  # the first 128 bytes of the default one
    'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f'
    'cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c'
    '3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8'
    'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364')


def xxh3(data: bytes, seed: int) -> int:
    assert 16 < len(data) <= 128

    def mix(at: int, secret: int) -> int:
        low, high = struct.unpack_from('<QQ', data, at)
        s_low, s_high = struct.unpack_from('<QQ', SECRET, secret)
        product = (low ^ (s_low + seed & MASK)) * (high ^ (s_high - seed & MASK))
        return (product ^ product >> 64) & MASK

    total = len(data) * 0x9e3779b185ebca87
    for i in range((len(data) - 1) // 32 + 1):
        total += mix(16 * i, 32 * i) + mix(len(data) - 16 * (i + 1), 32 * i + 16)
    total &= MASK
    total = (total ^ total >> 37) * 0x165667919e3779f9 & MASK
    return total ^ total >> 32


TUNNEL_KINDS = ('', 'mpls', 'vxlan', 'geneve', 'gre', 'gtp', 'l2tp', 'pptp')


def shard_of(key: Key, n: int) -> int:
    """Of all that the key has, as bytes in the order of the network."""
    data = key.a[0] + key.b[0] + key.a[1] + key.b[1]
    data += bytes([int(key.proto or 0), int(key.family or 0), key.ports])
    data += key.a[2] + key.b[2]
    for i in range(2):
        data += struct.pack('!H', int(key.vlans[i]) if i < len(key.vlans) else 0)
    for i in range(TUNNELS_MAX):
        text = key.tunnels[i] if i < len(key.tunnels) else ''
        kind = text.rstrip('0123456789')
        data += struct.pack('!BI', TUNNEL_KINDS.index(kind), int(text[len(kind):] or 0))
    data += struct.pack('!I', 0 if key.iface is None else key.iface + 1)
    return (xxh3(data, SEED) >> 32) * n >> 32


# ---- Community ID, version 1 ----

ANSWERS = {pf.ICMP: {8: 0, 13: 14, 15: 16, 10: 9, 17: 18},
           pf.ICMPV6: {128: 129, 133: 134, 135: 136, 130: 131, 139: 140, 144: 145}}


def community_id(ends: Fields, seed: int = 0) -> str:
    """Of a record that has all that it takes; else ''."""
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


# ---- where flows are cut ----

@dataclasses.dataclass(frozen=True)
class Cuts:
    connections: bool = False
    idle_ns: int = 0
    active_ns: int = 0
    every: str = ''  # time, size, records
    every_n: int = 0

    @property
    def any(self) -> bool:
        return bool(self.connections or self.idle_ns or self.active_ns or self.every)


class Flow:
    """One output."""

    def __init__(self, key: Optional[Key], origin: Origin, back: bool, part: int) -> None:
        self.key, self.origin, self.back, self.part = key, origin, back, part
        self.number = 0  # in order of appearance, `other` apart
        self.end = ''    # why it ended
        self.records: List[Record] = []  # those that were written
        self.backs: List[bool] = []      # by record: against the direction of the key
        self.flags = {False: 0, True: 0}
        # What cuts depend on; records that are dropped count, too.
        self.initial: Dict[bool, int] = {}
        self.seen, self.bytes, self.seen_flags = 0, 0, 0
        self.times: List[int] = []
        self.first = 0  # from which activity is counted, once there is a time
        self.slice: Optional[int] = None

    def closed(self, otherwise: str) -> str:
        return 'rst' if self.seen_flags & pf.RST else \
            'fin' if self.seen_flags & pf.FIN else otherwise

    def first_with(self, cuts: Cuts, now: int) -> int:
        """It goes back a little with each record, and far with two in a row."""
        if not self.times:
            return now
        if self.first - now > cuts.active_ns:
            back = self.first - self.times[-1] > cuts.active_ns
            return min(now, self.times[-1]) if back else self.first
        return min(now, self.first)

    def ends_before(self, cuts: Cuts, r: Record, ends: Fields, back: bool) -> str:
        """Why, or ''."""
        flags = int(ends.get('flags', '0'))
        if cuts.connections and 'seq' in ends and flags & (pf.SYN | pf.ACK) == pf.SYN and \
                back in self.initial and int(ends['seq']) != self.initial[back]:
            return self.closed('reuse')
        timed = self.times and r.ts_ns is not None
        if timed and self.key:  # `other` is no flow, and ends in no silence
            if cuts.idle_ns and r.ts_ns - self.times[-1] > cuts.idle_ns and \
                    abs(r.ts_ns - self.times[-2:][0]) > cuts.idle_ns:
                return self.closed('idle') if cuts.connections else 'idle'
            if cuts.active_ns and r.ts_ns - self.first_with(cuts, r.ts_ns) > cuts.active_ns:
                return 'active'
        if timed and cuts.every == 'time' and self.slice is not None and \
                not 0 <= self.slice - r.ts_ns // cuts.every_n <= 1:
            return 'every'
        if cuts.every == 'size' and FILE_HEADER + self.bytes + r.size > cuts.every_n:
            return 'every'
        if cuts.every == 'records' and self.seen >= cuts.every_n:
            return 'every'
        return ''

    def pass_by(self, cuts: Cuts, r: Record, ends: Fields, back: bool) -> None:
        self.seen += 1
        self.bytes += r.size
        if cuts.connections and 'seq' in ends:
            flags, seq = int(ends['flags']), int(ends['seq'])
            if flags & (pf.SYN | pf.ACK) == pf.SYN | pf.ACK:
                self.initial[back] = seq  # who answers anew begins anew
            self.initial.setdefault(back, seq if flags & pf.SYN else seq - 1 & 0xffffffff)
            if flags & pf.ACK:
                self.initial.setdefault(not back, int(ends['ack']) - 1 & 0xffffffff)
            self.seen_flags |= flags
        if r.ts_ns is not None:
            if cuts.every == 'time' and not self.times:
                self.slice = r.ts_ns // cuts.every_n
            self.first = self.first_with(cuts, r.ts_ns)
            self.times.append(r.ts_ns)


@dataclasses.dataclass(frozen=True)
class Options:
    """Of one split."""
    by: By
    cuts: Cuts = Cuts()
    shards: int = 0
    inner: bool = False
    no_other: bool = False
    max_packets: int = 0
    max_bytes: int = 0
    seed: int = 0


@dataclasses.dataclass
class Split:
    flows: List[Flow]  # in order of appearance, `other` last
    counts: Dict[str, int]


def origins_of(records: Sequence[Record], joins: bool, inner: bool) -> List[Origin]:
    origins = [decode(r, inner) for r in records]
    if joins:
        join_fragments(records, origins)
    return origins


def sides(opt: Options, origin: Origin, clients: Dict[Optional[Key], Tuple[bool, bool]]
          ) -> List[str]:
    """The ends that are a: one, or two for hosts."""
    if 'host' in opt.by.fields and origin.ends:
        same = key_of(opt.by, origin, 'src')[0] == key_of(opt.by, origin, 'dst')[0]
        return ['src'] if same else ['src', 'dst']
    if not opt.by.fields & ROLES or not origin.ends:
        return ['src']
    key, back = key_of(by_of('flow'), origin, 'src')
    first_back, first_is_client = clients.setdefault(key, (back, source_is_client(origin.ends)))
    return ['src' if (back == first_back) == first_is_client else 'dst']


def split(records: Sequence[Record], opt: Options) -> Split:
    origins = origins_of(records, opt.by.joins, opt.inner)
    counts = {'records_read': len(records), 'captured_bytes': sum(len(r.data) for r in records),
              'copies': 0, 'records_written': 0, 'capped': 0, 'dropped_other': 0,
              'other': 0, 'fragments': 0, 'orphans': 0, 'cut_short': 0}
    open_flows: Dict[Optional[Key], Flow] = {}
    clients: Dict[Optional[Key], Tuple[bool, bool]] = {}
    flows: List[Flow] = []
    for r, o in zip(records, origins):
        plain = decode(r, opt.inner)
        counts['fragments'] += 'fragment' in plain.ends
        counts['cut_short'] += 'short' in plain.ends
        counts['orphans'] += (opt.by.joins and plain.piece.get('offset', '0') != '0' and
                              'joined' not in o.ends)
        if opt.by.needs_network and not o.ends:
            counts['other'] += 1
            if opt.no_other:
                counts['dropped_other'] += 1
                continue
        for i, side in enumerate(sides(opt, o, clients)):
            key, back = key_of(opt.by, o, side)
            if key and opt.shards:
                empty = (b'', b'', b'')
                key = Key(empty, empty, '', False, '', False, (), (), None,
                          shard=shard_of(key, opt.shards))
            counts['copies'] += i
            # Flags belong to the packet itself: a later fragment has none.
            flow = open_flows.get(key)
            if flow:
                flow.end = flow.ends_before(opt.cuts, r, plain.ends, back)
            if not flow or flow.end:
                fresh = Flow(key, o, back and not opt.by.sided, flow.part + 1 if flow else 1)
                flow = open_flows[key] = fresh
                flows.append(fresh)
                fresh.number = sum((f.key is None) == (key is None) for f in flows)
            flow.pass_by(opt.cuts, r, plain.ends, back)
            if key is not None and (
                    (opt.max_packets and len(flow.records) >= opt.max_packets) or
                    (opt.max_bytes and sum(len(x.data) for x in flow.records) >= opt.max_bytes)):
                counts['capped'] += 1
                continue
            counts['records_written'] += 1
            flow.records.append(r)
            flow.backs.append(back)
            flow.flags[back] |= int(plain.ends.get('flags', '0'))
    for flow in flows:
        if not flow.end:
            flow.end = flow.closed('end') if opt.cuts.connections else 'end'
    counts['flows'] = sum(f.key is not None for f in flows)
    counts['outputs'] = len(flows)
    return Split(sorted(flows, key=lambda f: f.key is None), counts)


# ---- the manifest ----

def addr_text(end: End, family: str) -> str:
    if not family:
        return ''
    packed = end[0][:4] if family == '4' else end[0]
    return reference.ipv4_text(packed) if family == '4' else reference.ipv6_text(packed)


def proto_text(proto: str) -> str:
    return reference.PROTO_NAMES.get(int(proto), proto) if proto else ''


def row(flow: Flow, name: str, opt: Options, community: bool) -> Fields:
    """The flow's row, all columns of the run. In shards both directions are mixed: there the sums
    of both stand in the first's place."""
    key, by = flow.key, opt.by
    shown: Fields = {'file': name, 'flow': str(flow.number) if key else ''}
    plain = key is not None and not opt.shards
    shown['proto'] = proto_text(key.proto) if plain else ''
    for side, end in (('src', 'b' if flow.back else 'a'), ('dst', 'a' if flow.back else 'b')):
        takes, value = by.takes(end), getattr(key, end, None)
        shown[side] = addr_text(value, key.family) if plain and 'addr' in takes else ''
        shown[side[0] + 'port'] = str(struct.unpack('!H', value[1])[0]) \
            if plain and key.ports and 'port' in takes else ''
        if 'mac' in by.fields and not opt.shards:
            shown[side + '_mac'] = value[2].hex(':') if plain and key.has_mac and 'mac' in takes \
                else ''
        mine = [r for r, back in zip(flow.records, flow.backs)
                if opt.shards or back == (flow.back if side == 'src' else not flow.back)]
        if opt.shards and side == 'dst':
            mine = []
        shown[side + '_packets'] = str(len(mine))
        shown[side + '_captured_bytes'] = str(sum(len(r.data) for r in mine))
        shown[side + '_wire_bytes'] = str(sum(r.origlen for r in mine))
        flags = flow.flags[flow.back if side == 'src' else not flow.back]
        shown[side + '_tcp_flags'] = reference.flags_text(flags)
    times = [r.ts_ns for r in flow.records if r.ts_ns is not None]
    shown['first'] = reference.time_text(min(times)) if times else ''
    shown['last'] = reference.time_text(max(times)) if times else ''
    shown['linktype'] = str(flow.records[0].linktype)
    shown['initiator'] = initiator(flow, opt) if plain and not by.sided else ''
    if community:
        has = plain and not by.sided and {'ip', 'proto', 'port'} <= by.fields
        shown['community_id'] = community_of(flow, opt) if has else ''
    if not opt.shards:
        if 'vlan' in by.fields:
            shown['vlan'] = '.'.join(key.vlans) if key else ''
        if 'tunnel' in by.fields:
            shown['tunnel'] = '.'.join(key.tunnels) if key else ''
        if 'iface' in by.fields:
            shown['iface'] = str(key.iface) if key else ''
    else:
        shown['shard'] = str(key.shard) if key else ''
    if opt.cuts.any:
        shown['part'], shown['end'] = str(flow.part), flow.end
    if opt.inner:
        outer = flow.origin.outer
        shown.update(outer_src=outer.get('src', ''), outer_dst=outer.get('dst', ''),
                     outer_sport=outer.get('sport', ''), outer_dport=outer.get('dport', ''),
                     outer_proto=proto_text(outer.get('proto', '')))
    return shown


def first_ends(flow: Flow, opt: Options) -> Fields:
    """What the first record says itself, with the ports of its datagram."""
    own = decode(flow.records[0], opt.inner).ends
    return {**{k: v for k, v in flow.origin.ends.items() if k not in ('type', 'code')},
            **{k: v for k, v in own.items() if k in ('flags', 'type', 'code')}}


def initiator(flow: Flow, opt: Options) -> str:
    """As far as the key and the flags of the first record tell."""
    known = {'flags', 'proto'} | ({'sport', 'dport'} if 'port' in opt.by.fields else set())
    ends = {k: v for k, v in first_ends(flow, opt).items() if k in known}
    return 'src' if source_is_client(ends) else 'dst'


def community_of(flow: Flow, opt: Options) -> str:
    return community_id(first_ends(flow, opt), opt.seed) if flow.origin.ends else ''
