# SPDX-License-Identifier: BSD-2-Clause
"""What a split has to give, worked out slowly: flows as strings, files as bytes in a dict.

Written from the RFCs and the manual for clarity, independent of the program's code. A packet's
endpoints are a dict of strings: family, src, dst, proto, and where there are ports sport, dport;
"fragment" and "short" say why there are none. An empty dict: no network address.
"""
import base64
import csv
import datetime
import hashlib
import io
import ipaddress
import re
import struct
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import pcapfile as pf

Endpoints = Dict[str, str]

WITH_PORTS = {pf.TCP, pf.UDP, pf.DCCP, pf.SCTP, pf.UDPLITE}
EXTENSIONS = {pf.HOP_BY_HOP, pf.ROUTING, pf.FRAGMENT, pf.AH, pf.DESTINATION, 135, 139, 140}
VLAN_TYPES = {0x8100, 0x88a8, 0x9100, 0x9200, 0x9300}
PROTO_NAMES = {1: 'icmp', 2: 'igmp', 4: 'ipip', 6: 'tcp', 17: 'udp', 33: 'dccp', 41: 'ipv6',
               46: 'rsvp', 47: 'gre', 50: 'esp', 51: 'ah', 58: 'icmp6', 88: 'eigrp', 89: 'ospf',
               103: 'pim', 108: 'ipcomp', 112: 'vrrp', 115: 'l2tp', 132: 'sctp', 136: 'udplite'}
FAN_OUT = 10000  # outputs per directory


class Cut(Exception):
    """The captured bytes end inside a header."""


def _need(data: bytes, n: int) -> None:
    if len(data) < n:
        raise Cut()


def _u16(data: bytes, at: int) -> int:
    _need(data, at + 2)
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


# ---- from a packet to endpoints ----

# Types of ICMP and ICMPv6 that answer one another, by protocol.
ICMP = {1: ((8, 0), (13, 14), (15, 16), (10, 9), (17, 18)),
        58: ((128, 129), (133, 134), (135, 136), (130, 131), (139, 140), (144, 145))}


def community_id(ends: Endpoints, seed: int = 0) -> str:
    """Community ID v1 of a record's endpoints; '' where it has none."""
    proto = int(ends['proto'])
    src, dst = (ipaddress.ip_address(ends[side]).packed for side in ('src', 'dst'))
    ports, one_way = (b'', b''), False
    if proto in ICMP:
        if 'icmp' not in ends:
            return ''
        kind, code = (int(n) for n in ends['icmp'].split('.'))
        answers = [b if kind == a else a for a, b in ICMP[proto] if kind in (a, b)]
        one_way = not answers
        ports = (struct.pack('!H', kind), struct.pack('!H', answers[0] if answers else code))
    elif proto in (6, 17, 132):
        if 'sport' not in ends:
            return ''
        ports = tuple(struct.pack('!H', int(ends[side])) for side in ('sport', 'dport'))
    low, high = (src, ports[0]), (dst, ports[1])
    if not one_way and high < low:
        low, high = high, low
    digest = hashlib.sha1(struct.pack('!H', seed) + low[0] + high[0] + bytes([proto, 0]) +
                          low[1] + high[1]).digest()
    return '1:' + base64.b64encode(digest).decode()


def initiator(ends: Endpoints, ports: bool) -> str:
    """Who opened the flow, as far as its first record tells: `src` or `dst`."""
    flags = int(ends.get('tcp_flags', '0'))
    if flags & 2:
        return 'dst' if flags & 16 else 'src'
    if not ports or ends['sport'] == ends['dport']:
        return 'src'
    src, dst = int(ends['sport']), int(ends['dport'])
    if (src < 1024) != (dst < 1024):
        return 'src' if dst < 1024 else 'dst'
    return 'src' if dst < src else 'dst'


def _ports(ends: Endpoints, payload: bytes) -> Endpoints:
    if int(ends['proto']) in ICMP and len(payload) >= 2:
        ends['icmp'] = '%d.%d' % (payload[0], payload[1])
    if int(ends['proto']) not in WITH_PORTS:
        return ends
    if len(payload) < 4:
        ends['short'] = 'yes'
        return ends
    ends['sport'], ends['dport'] = (str(p) for p in struct.unpack_from('!HH', payload))
    if ends['proto'] == str(pf.TCP) and len(payload) >= 14:
        ends['tcp_flags'] = str(payload[13])
    return ends


def _ipv4(data: bytes) -> Endpoints:
    _need(data, 20)
    header_len, total = (data[0] & 15) * 4, _u16(data, 2)
    if total == 0:
        total = len(data)  # left to the network card
    if header_len < 20 or total < header_len:
        return {}
    ends = {'family': '4', 'src': ipv4_text(data[12:16]), 'dst': ipv4_text(data[16:20]),
            'proto': str(data[9])}
    place = _u16(data, 6)
    if place & 0x3fff:
        ends.update(datagram='%d of %d' % (_u16(data, 4), data[9]), offset=str(8 * (place & 0x1fff)),
                    length=str(total - header_len), more='yes' if place & 0x2000 else '')
    if place & 0x1fff:
        ends['fragment'] = 'yes'
        return ends
    return _ports(ends, data[header_len:total])


def _ipv6(data: bytes) -> Endpoints:
    _need(data, 40)
    ends = {'family': '6', 'src': ipv6_text(data[8:24]), 'dst': ipv6_text(data[24:40])}
    payload_len, proto, payload = _u16(data, 4), data[6], data[40:]
    promised = payload_len or len(payload)  # 0: a jumbogram
    payload = payload[:promised]
    # Mobility and the like are protocols where nothing follows.
    while proto in EXTENSIONS and not (proto >= 135 and payload[:1] == b'\x3b'):
        ends['proto'] = str(payload[0] if payload else proto)
        if len(payload) < 8:
            ends['short'] = 'yes'
            return ends
        length = 8 * (payload[1] + 1)
        if proto == pf.AH:
            length = 4 * (payload[1] + 2)
        elif proto == pf.FRAGMENT:
            length = 8
            if _u16(payload, 2) & 0xfff9 and 'datagram' not in ends:
                ends.update(datagram='%d' % struct.unpack_from('!I', payload, 4),
                            offset=str(_u16(payload, 2) & 0xfff8), length=str(promised - 8),
                            more='yes' if payload[3] & 1 else '')
            if _u16(payload, 2) >> 3:
                ends['proto'], ends['fragment'] = str(payload[0]), 'yes'
                return ends
        if length > len(payload):
            ends['short'] = 'yes'
            return ends
        proto, payload, promised = payload[0], payload[length:], promised - length
    ends['proto'] = str(proto)
    return _ports(ends, payload)


def _ip(data: bytes) -> Endpoints:
    _need(data, 1)
    return {4: _ipv4, 6: _ipv6}.get(data[0] >> 4, lambda _: {})(data)


def _llc(data: bytes) -> Endpoints:
    _need(data, 3)
    if data[:2] == b'\x06\x06':
        return _ip(data[3:])
    if data[:2] != b'\xaa\xaa' or data[3:6] not in (b'\0\0\0', b'\0\0\xf8'):
        return {}
    return _ethertype(_u16(data, 6), data[8:])


def _mpls(data: bytes) -> Endpoints:
    while True:
        _need(data, 4)
        last, data = data[2] & 1, data[4:]
        if last:
            return _ip(data)


def _ppp(data: bytes) -> Endpoints:
    if data[:2] == b'\xff\x03':
        data = data[2:]
    _need(data, 2)
    compressed = data[0] & 1
    proto = data[0] if compressed else _u16(data, 0)
    data = data[1 if compressed else 2:]
    return {0x21: _ip, 0x57: _ipv6, 0x281: _mpls, 0x283: _mpls}.get(proto, lambda _: {})(data)


def _ethertype(kind: int, data: bytes) -> Endpoints:
    if kind == pf.TYPE_IPV4:
        return _ip(data)
    if kind == pf.TYPE_IPV6:
        return _ipv6(data)
    if kind in VLAN_TYPES:
        return _ethertype(_u16(data, 2), data[4:])
    if kind in (0x8847, 0x8848):
        return _mpls(data)
    if kind == pf.TYPE_PPPOE:
        return _ppp(data[6:])
    return _llc(data[:kind]) if kind <= 1500 else {}


def _family(data: bytes, order: str) -> Endpoints:
    _need(data, 4)
    number = struct.unpack_from(order + 'I', data)[0]
    if order == '<' and number >> 16:  # captured on a machine of the other byte order
        number = struct.unpack_from('>I', data)[0]
    return {2: _ip, 10: _ipv6, 24: _ipv6, 28: _ipv6, 30: _ipv6}.get(number, lambda _: {})(data[4:])


def _ppp_hdlc(data: bytes) -> Endpoints:
    cisco = data[:1] in (b'\x0f', b'\x8f')
    return _ethertype(_u16(data, 2), data[4:]) if cisco else _ppp(data)


LINKS = {
    pf.LINK_ETHERNET: lambda d: _ethertype(_u16(d, 12), d[14:]),
    pf.LINK_NULL: lambda d: _family(d, '<'),
    pf.LINK_LOOP: lambda d: _family(d, '>'),
    pf.LINK_PPP: _ppp,
    pf.LINK_PPP_HDLC: _ppp_hdlc,
    pf.LINK_PPP_ETHER: lambda d: _ppp(d[6:]),
    pf.LINK_C_HDLC: lambda d: _ethertype(_u16(d, 2), d[4:]),
    12: _ip, 14: _ip, pf.LINK_RAW: _ip, pf.LINK_IPV4: _ip, pf.LINK_IPV6: _ip,
    pf.LINK_SLL: lambda d: _ethertype(_u16(d, 14), d[16:]),
    pf.LINK_SLL2: lambda d: _ethertype(_u16(d[:20], 0), d[20:]) if len(d) >= 20 else {},
}


# What a fragment says of its datagram, and ICMP of its message.
PLACE = ('datagram', 'offset', 'length', 'more', 'icmp')


def _decode(linktype: int, data: bytes) -> Endpoints:
    try:
        return LINKS[linktype](data) if linktype in LINKS else {}
    except Cut:
        return {}


def endpoints(linktype: int, data: bytes) -> Endpoints:
    return {k: v for k, v in _decode(linktype, data).items() if k not in PLACE}


def place(linktype: int, data: bytes) -> Endpoints:
    return {k: v for k, v in _decode(linktype, data).items() if k in PLACE}


# ---- fragments follow the first of their datagram ----

LOOKAHEAD = 1 << 20  # bytes of the capture
LIFETIME = 60 * 10**9


class Datagram:
    """The fragments of one datagram; later ones have the ports of the first."""

    def __init__(self, ts_ns: Optional[int], before: Optional['Datagram']) -> None:
        self.ts_ns, self.before = ts_ns, before
        self.first: Optional[Endpoints] = None
        self.waiting: List[Tuple[int, Endpoints]] = []  # position, of those that came too early
        self.have: set = set()  # bytes
        self.end: Optional[int] = None

    def complete(self) -> bool:
        """All bytes have come, and none behind a gap: there another datagram has the same id."""
        return (self.first is not None and self.end is not None and
                len(self.have) == max(self.have, default=-1) + 1 >= self.end)

    def expired(self, ts_ns: Optional[int]) -> bool:
        return None not in (ts_ns, self.ts_ns) and abs(ts_ns - self.ts_ns) > LIFETIME

    def add(self, position: int, ends: Endpoints) -> None:
        start, length = int(ends['offset']), int(ends['length'])
        self.have.update(range(start, start + length))
        if not ends['more']:
            self.end = start + length
        if 'fragment' not in ends:
            self.first = ends
            for at, early in self.waiting:
                if position - at <= LOOKAHEAD:
                    follow(early, ends)
                    early['settled'] = 'yes'
        elif self.first:
            follow(ends, self.first)
        else:
            self.waiting.append((position, ends))

    def give_up(self) -> None:
        for _, ends in self.waiting:
            if self.before and self.before.first and 'settled' not in ends:
                follow(ends, self.before.first)


def follow(ends: Endpoints, first: Endpoints) -> None:
    for field in ('sport', 'dport', 'proto'):
        if field in first:
            ends[field] = first[field]
    ends['joined'] = 'yes'


def join_fragments(all_ends: List[Endpoints], times: List[Optional[int]],
                   positions: List[int]) -> None:
    datagrams: Dict[Tuple[str, ...], Datagram] = {}
    every: List[Datagram] = []
    for ends, ts_ns, position in zip(all_ends, times, positions):
        if 'datagram' not in ends:
            continue
        key = (ends['src'], ends['dst'], ends['datagram'])
        d = datagrams.get(key)
        ports = (ends.get('sport'), ends.get('dport'), ends['proto'])
        other_first = (d is not None and d.first is not None and 'fragment' not in ends and ports !=
                       (d.first.get('sport'), d.first.get('dport'), d.first['proto']))
        if d is None or d.expired(ts_ns) or d.complete() or other_first:
            before = d if d and d.complete() and not d.expired(ts_ns) else None
            d = datagrams[key] = Datagram(ts_ns, before)
            every.append(d)
        d.add(position, ends)
    for d in every:
        d.give_up()


class Piece(NamedTuple):
    """What of a record tells whether it is a fragment, and of what."""
    linktype: int
    data: bytes
    ts_ns: Optional[int]
    position: int  # in the capture, bytes


def with_joined(all_ends: Sequence[Endpoints], pieces: Sequence[Piece]) -> List[Endpoints]:
    """The endpoints of all records; of later fragments, those of the first of their datagram."""
    out = [{**e, **place(p.linktype, p.data)} if e else {} for e, p in zip(all_ends, pieces)]
    join_fragments(out, [p.ts_ns for p in pieces], [p.position for p in pieces])
    return out


# ---- from endpoints to flows ----

Key = Tuple[Tuple[str, str], ...]


def flow_key(ends: Endpoints, by: str, directed: bool) -> Key:
    """Equal for the packets of one flow and for no others; () is `other`."""
    if not ends:
        return ()
    ports = by == 'flow' and 'sport' in ends
    a = (ends['src'], ends['sport'] if ports else '')
    b = (ends['dst'], ends['dport'] if ports else '')
    proto = '' if by == 'hostpair' else ends['proto']
    first, second = (a, b) if directed else sorted([a, b])
    return (('family ' + ends['family'], proto), first, second)


class Flow:
    """A flow, seen from the sender of its first record."""

    def __init__(self, number: int, ends: Endpoints, by: str) -> None:
        self.number = number  # from 1 in order of appearance; 0: `other`
        self.ends = ends
        self.proto = ends.get('proto', '') if by != 'hostpair' else ''
        self.by = by
        self.ports = by == 'flow' and 'sport' in ends
        self.raw: List[bytes] = []
        self.records: List[int] = []  # numbers of its records in the capture, from 0
        self.packets, self.captured, self.wire, self.flags = [0, 0], [0, 0], [0, 0], [0, 0]
        self.first = self.last = 0

    def add(self, number: int, record: pf.Record, ends: Endpoints) -> None:
        back = bool(ends) and self._from_b(ends)
        self.raw.append(record.raw)
        self.records.append(number)
        self.packets[back] += 1
        self.captured[back] += record.caplen
        self.wire[back] += record.origlen
        self.flags[back] |= int(ends.get('tcp_flags', '0'))
        times = [record.ts_ns] if len(self.raw) == 1 else [record.ts_ns, self.first, self.last]
        self.first, self.last = min(times), max(times)

    def _from_b(self, ends: Endpoints) -> bool:
        mine = (self.ends['src'], self.ends['sport'] if self.ports else '')
        return (ends['src'], ends['sport'] if self.ports else '') != mine

    def name(self) -> str:
        """The default template, {n:8}_{key}.pcap."""
        if not self.ends:
            return 'other.pcap'
        words = []
        if self.proto:
            words.append(PROTO_NAMES.get(int(self.proto), 'ip-' + self.proto))
        for side in ('src', 'dst'):
            words.append(self.ends[side].replace(':', '-'))
            if self.ports:
                words.append(self.ends[side[0] + 'port'])
        folder = '%08d/' % (self.number // FAN_OUT * FAN_OUT) if self.number >= FAN_OUT else ''
        return '%s%08d_%s.pcap' % (folder, self.number, '_'.join(words))

    def manifest_row(self, linktype: int) -> List[str]:
        port = (lambda side: self.ends[side]) if self.ports else (lambda _: '')
        proto = PROTO_NAMES.get(int(self.proto), self.proto) if self.proto else ''
        row = [self.name(), str(self.number) if self.ends else '', proto,
               self.ends.get('src', ''), port('sport'), self.ends.get('dst', ''), port('dport')]
        for pair in (self.packets, self.captured, self.wire):
            row += [str(pair[0]), str(pair[1])]
        row += [time_text(self.first), time_text(self.last)]
        row += [flags_text(self.flags[0]), flags_text(self.flags[1]), str(linktype)]
        row.append(initiator(self.ends, self.ports) if self.ends else '')
        row.append(community_id(self.ends) if self.ends and self.by == 'flow' else '')
        return row


COLUMNS = ['file', 'flow', 'proto', 'src', 'sport', 'dst', 'dport', 'src_packets', 'dst_packets',
           'src_captured_bytes', 'dst_captured_bytes', 'src_wire_bytes', 'dst_wire_bytes',
           'first', 'last', 'src_tcp_flags', 'dst_tcp_flags', 'linktype', 'initiator',
           'community_id']


def time_text(ts_ns: int) -> str:
    sec, ns = divmod(ts_ns, 10**9)
    epoch = datetime.datetime(1970, 1, 1)
    return (epoch + datetime.timedelta(seconds=sec)).isoformat() + '.%09dZ' % ns


def flags_text(flags: int) -> str:
    return ''.join(letter for bit, letter in enumerate('FSRPAUEC') if flags >> bit & 1)


class Split(NamedTuple):
    flows: List[Flow]  # in order of appearance, `other` last
    files: Dict[str, bytes]
    manifest: bytes
    counts: Dict[str, int]  # other, fragments, cut_short, flows, outputs


def split(saved: pf.Savefile, by: str = 'flow', directed: bool = False,
          drop_other: bool = False, ends: Optional[List[Endpoints]] = None) -> Split:
    """The whole output of cleave split but for cleave.json. ends: of each record, if known."""
    if ends is None:
        ends = [endpoints(saved.format.linktype, r.data) for r in saved.records]
    if by == 'flow':
        ends = with_joined(ends, [Piece(saved.format.linktype, r.data, r.ts_ns, r.offset)
                                  for r in saved.records])
    flows: Dict[Key, Flow] = {}
    n_flows = 0
    for i, (record, e) in enumerate(zip(saved.records, ends)):
        key = flow_key(e, by, directed)
        if not key and drop_other:
            continue
        if key not in flows:
            n_flows += bool(key)
            flows[key] = Flow(n_flows if key else 0, e, by)
        flows[key].add(i, record, e)
    in_order = sorted(flows.values(), key=lambda f: f.number or len(ends) + 1)
    table = io.StringIO(newline='')
    rows = csv.writer(table, lineterminator='\r\n')
    rows.writerow(COLUMNS)
    rows.writerows(f.manifest_row(saved.format.linktype) for f in in_order)
    counts = {'other': sum(not e for e in ends), 'flows': n_flows, 'outputs': len(flows),
              'fragments': sum('fragment' in e for e in ends),
              'orphans': sum(by == 'flow' and 'fragment' in e and 'joined' not in e for e in ends),
              'cut_short': sum('short' in e for e in ends)}
    return Split(in_order, {f.name(): saved.header + b''.join(f.raw) for f in in_order},
                 table.getvalue().encode(), counts)
