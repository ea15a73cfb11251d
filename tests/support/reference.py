# SPDX-License-Identifier: BSD-2-Clause
"""What a split has to give, worked out slowly: maps of strings, no tables, no hashes.

Written from the RFCs and the manual for clarity, independent of the program's code. What a packet
says is in origins.py.
"""
import copy
import csv
import dataclasses
import datetime
import io
import ipaddress
import re
import struct
from typing import Dict, FrozenSet, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple

import pcapfile as pf
import pcapngfile as ng
from origins import (TUNNELS_MAX, Decoder, Fields, Origin, community_id, ipv4_text, ipv6_text,
                     source_is_client, with_joined)

FILE_HEADER, RECORD_HEADER = 24, 16  # of classic pcap, bytes
FAN_OUT = 10000  # outputs per directory
PROTO_NAMES = {1: 'icmp', 2: 'igmp', 4: 'ipip', 6: 'tcp', 17: 'udp', 33: 'dccp', 41: 'ipv6',
               46: 'rsvp', 47: 'gre', 50: 'esp', 51: 'ah', 58: 'icmp6', 88: 'eigrp', 89: 'ospf',
               103: 'pim', 108: 'ipcomp', 112: 'vrrp', 115: 'l2tp', 132: 'sctp', 136: 'udplite'}


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


# ---- keys ----

ALIASES = {'flow': 'ip,proto,port', '5tuple': 'ip,proto,port', 'connection': 'ip,proto,port', '3tuple': 'ip,proto',
           'hostpair': 'ip', 'session': 'ip,proto,port', 'none': ''}
ROLES = {'client', 'server', 'service'}


@dataclasses.dataclass(frozen=True)
class By:
    fields: FrozenSet[str]
    connections: bool = False
    directed: bool = False
    prefixes: Tuple[Tuple[str, int, int], ...] = ()  # a field, bits of IPv4 and IPv6

    def bits(self, end: str, family: str) -> int:
        """How much of the addresses of an end the key has: what the word says that says most."""
        words = {'ip', 'host', 'client'} if end == 'a' else {'ip', 'server'}
        return max([v4 if family == '4' else v6 for word, v4, v6 in self.prefixes if word in words],
                   default=32 if family == '4' else 128)

    @property
    def sided(self) -> bool:
        return bool(self.fields & (ROLES | {'host'}))

    @property
    def needs_network(self) -> bool:
        return bool(self.fields & (ROLES | {'host', 'ip', 'proto', 'port'}))

    @property
    def joins(self) -> bool:
        return bool(self.fields & (ROLES | {'port', 'tunnel', 'label'}))

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
    prefixes: List[Tuple[str, int, int]] = []
    words: List[str] = []
    connections = False
    for part in re.findall(r'([^,/]+)(?:/(\d+)(?:,(\d+)(?=,|$))?)?', text):
        word = part[0].lower()
        connections |= word == 'connection'
        for field in ALIASES.get(word, word).split(','):
            words += [field] if field else []
            prefixes.append((field, int(part[1] or 32), int(part[2] or 128)))
    if 'service' in words:
        words.append('proto')
    return By(frozenset(words), connections, directed, tuple(prefixes))


End = Tuple[bytes, bytes, bytes]  # address, port, link address; empty where the key takes none


def end_of(o: Origin, side: str, by: By, end: str) -> End:
    """What the key has of a side of the record as its end a or b."""
    addr, port, mac, takes = bytes(16), bytes(2), bytes(6), by.takes(end)
    if 'addr' in takes and o.ends:
        network = ipaddress.ip_network('%s/%d' % (o.ends[side], by.bits(end, o.ends['family'])),
                                       strict=False)
        addr = network.network_address.packed.ljust(16, b'\0')
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
    label: str = ''
    shard: Optional[int] = None


def key_of(by: By, o: Origin, side: str) -> Tuple[Optional[Key], bool]:
    """side: the end that is a where hosts or clients are told apart. Also: from b to a.
    No key: `other`."""
    if by.needs_network and not o.ends:
        return None, False
    back = side == 'dst'
    if not by.sided:
        back = not by.directed and end_of(o, 'dst', by, 'a') < end_of(o, 'src', by, 'a')
    a = end_of(o, 'dst' if back else 'src', by, 'a')
    b = end_of(o, 'src' if back else 'dst', by, 'b')
    takes, fields = by.takes('a') | by.takes('b'), by.fields
    return Key(a, b, o.ends.get('family', '') if 'addr' in takes else '',
               'port' in takes and 'sport' in o.ends,
               o.ends['proto'] if 'proto' in fields else '', 'mac' in takes and bool(o.macs),
               o.vlans if 'vlan' in fields else (), o.tunnels if 'tunnel' in fields else (),
               o.iface if 'iface' in fields else None,
               ('back' if back else 'forth') if by.sided and by.directed else '',
               o.label if 'label' in fields else ''), back


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

    def __init__(self, key: Optional[Key], origin: Origin, back: bool, before: Optional['Flow']) -> None:
        """back: of its first record; before: the part of the same flow that ended with it."""
        self.key, self.origin, self.before, self.first_back = key, origin, before, back
        self.part = before.part + 1 if before else 1
        self.head: Flow = before.head if before else self
        self.back: bool = before.back if before else back
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


class Listed(NamedTuple):
    """A row of a list of flows. '' and None: it does not say."""
    src: str = ''
    sport: str = ''
    dst: str = ''
    dport: str = ''
    proto: str = ''
    community_id: str = ''
    first: Optional[int] = None
    last: Optional[int] = None
    label: str = ''

    def has(self, o: Origin, ts_ns: Optional[int], seed: int) -> bool:
        ends = o.ends
        if not ends:
            return False
        if ts_ns is None and (self.first is not None or self.last is not None):
            return False
        if self.first is not None and ts_ns < self.first or self.last is not None and ts_ns > self.last:
            return False
        if self.community_id:
            return community_id(ends, seed) == self.community_id
        return any(all(not mine or mine == ends.get(theirs) for mine, theirs in zip(
            (self.src, self.sport, self.dst, self.dport, self.proto), names)) for names in (
                ('src', 'sport', 'dst', 'dport', 'proto'), ('dst', 'dport', 'src', 'sport', 'proto')))


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
    dedup_ns: int = 0
    ignore: FrozenSet[str] = frozenset()
    rows: Tuple['Listed', ...] = ()


@dataclasses.dataclass
class Split:
    flows: List[Flow]  # in order of appearance, `other` last
    counts: Dict[str, int]


def origins_of(records: Sequence[Record], opt: Options) -> List[Origin]:
    """Of each record for itself."""
    origins = []
    for r in records:
        origin = Decoder(opt.inner, 'tunnel' in opt.by.fields).packet(r.linktype, r.data)
        if opt.inner:
            origin.outer = Decoder(False, False).packet(r.linktype, r.data).ends
        origin.iface = r.iface
        origins.append(origin)
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


# ---- duplicates ----

CHECKSUMS = {pf.TCP: (16, 2), pf.UDP: (6, 2), pf.UDPLITE: (6, 2), pf.DCCP: (6, 2), pf.SCTP: (8, 4),
             pf.ICMP: (2, 2), pf.ICMPV6: (2, 2)}


def compared(r: Record, o: Origin, opt: Options) -> Optional[tuple]:
    """What two records have to share so that one may be the other's duplicate; None: never."""
    data = bytearray(o.datagram if o.ends else r.data)

    def clear(at: int, n: int) -> None:
        data[at:at + n] = bytes(len(data[at:at + n]))
    if not data:
        return None
    if o.ends:
        if 'ttl' in opt.ignore:
            clear(8 if data[0] >> 4 == 4 else 7, 1)
        if 'tos' in opt.ignore and data[0] >> 4 == 4:
            clear(1, 1)
        elif 'tos' in opt.ignore:
            data[0] &= 0xf0
            data[1] &= 0x0f
        if opt.ignore & {'ttl', 'tos', 'checksum'} and data[0] >> 4 == 4:
            clear(10, 2)
        where = CHECKSUMS.get(int(o.ends['proto']))
        if 'checksum' in opt.ignore and where and 'fragment' not in o.ends:
            clear(o.transport_at + where[0], where[1])
    fields = opt.by.fields - opt.ignore
    return (bool(o.ends), bytes(data), o.macs if 'mac' in fields else (),
            o.vlans if 'vlan' in fields else (), o.tunnels if 'tunnel' in fields else (),
            o.iface if 'iface' in fields else 0)


class Seen:
    """The latest time of each record that was met."""

    def __init__(self, opt: Options) -> None:
        self.opt, self.times = opt, {}

    def again(self, r: Record, o: Origin) -> bool:
        what = compared(r, o, self.opt) if self.opt.dedup_ns and r.ts_ns is not None else None
        if what is None:
            return False
        before = self.times.get(what)
        self.times[what] = r.ts_ns
        return before is not None and abs(r.ts_ns - before) <= self.opt.dedup_ns


def split(records: Sequence[Record], opt: Options) -> Split:
    plain_origins = origins_of(records, opt)
    origins = plain_origins
    joins = opt.by.joins or opt.rows
    if joins:
        origins = with_joined(origins, [r.ts_ns for r in records], [r.position for r in records])
    counts = {'records_read': len(records), 'captured_bytes': sum(len(r.data) for r in records),
              'copies': 0, 'records_written': 0, 'capped': 0, 'dropped_other': 0,
              'other': 0, 'fragments': 0, 'orphans': 0, 'cut_short': 0, 'duplicates': 0,
              'filtered': 0}
    met: Set[int] = set()
    seen = Seen(opt)
    open_flows: Dict[Optional[Key], Flow] = {}
    clients: Dict[Optional[Key], Tuple[bool, bool]] = {}
    flows: List[Flow] = []
    numbers = {False: 0, True: 0}
    for r, o, plain in zip(records, origins, plain_origins):
        if opt.rows:
            mine = [i for i, row in enumerate(opt.rows) if row.has(o, r.ts_ns, opt.seed)]
            met.update(mine)
            if not mine:
                late = 'fragment' in plain.ends
                counts['filtered'] += 1
                counts['fragments'] += late
                counts['orphans'] += late and 'joined' not in o.ends
                continue
            lonely = 'joined' not in o.ends
            o = copy.copy(o if opt.by.joins else plain)
            o.label = opt.rows[mine[0]].label
        counts['fragments'] += 'fragment' in plain.ends
        counts['cut_short'] += 'short' in plain.ends
        counts['orphans'] += (bool(joins) and plain.piece.get('offset', '0') != '0' and
                              (lonely if opt.rows else 'joined' not in o.ends))
        if opt.by.needs_network and not o.ends:
            counts['other'] += 1
            if opt.no_other:
                counts['dropped_other'] += 1
                continue
        if seen.again(r, plain):
            counts['duplicates'] += 1
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
                fresh = Flow(key, o, back and not opt.by.sided, flow)
                flow = open_flows[key] = fresh
                flows.append(fresh)
                numbers[key is None] += 1
                fresh.number = numbers[key is None]
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
    counts['list_unmet'] = len(opt.rows) - len(met)
    return Split(sorted(flows, key=lambda f: f.key is None), counts)


# ---- the manifest ----

def time_text(ts_ns: int) -> str:
    sec, ns = divmod(ts_ns, 10**9)
    epoch = datetime.datetime(1970, 1, 1)
    return (epoch + datetime.timedelta(seconds=sec)).isoformat() + '.%09dZ' % ns


def flags_text(flags: int) -> str:
    return ''.join(letter for bit, letter in enumerate('FSRPAUEC') if flags >> bit & 1)


def addr_text(end: End, family: str) -> str:
    if not family:
        return ''
    packed = end[0][:4] if family == '4' else end[0]
    return ipv4_text(packed) if family == '4' else ipv6_text(packed)


def proto_text(proto: str) -> str:
    return PROTO_NAMES.get(int(proto), proto) if proto else ''


def key_row(flow: Flow, opt: Options) -> Fields:
    """What the key has of the tuple, and of the link."""
    key, by = flow.key, opt.by
    plain = key is not None and not opt.shards
    shown: Fields = {'proto': proto_text(key.proto) if plain else ''}
    for side, end in (('src', 'b' if flow.back else 'a'), ('dst', 'a' if flow.back else 'b')):
        takes, value = by.takes(end), getattr(key, end, None)
        shown[side] = addr_text(value, key.family) if plain and 'addr' in takes else ''
        shown[side[0] + 'port'] = str(struct.unpack('!H', value[1])[0]) \
            if plain and key.ports and 'port' in takes else ''
        if 'mac' in by.fields and not opt.shards:
            shown[side + '_mac'] = value[2].hex(':') if plain and key.has_mac and 'mac' in takes \
                else ''
    return shown


def row(flow: Flow, name: str, opt: Options, community: bool) -> Fields:
    """The flow's row, all columns of the run. In shards both directions are mixed: there the sums
    of both stand in the first's place."""
    key, by = flow.key, opt.by
    plain = key is not None and not opt.shards
    shown = {'file': name, 'flow': str(flow.head.number) if key else '', **key_row(flow, opt)}
    for side in ('src', 'dst'):
        mine = [r for r, back in zip(flow.records, flow.backs)
                if opt.shards or back == (flow.back if side == 'src' else not flow.back)]
        if opt.shards and side == 'dst':
            mine = []
        shown[side + '_packets'] = str(len(mine))
        shown[side + '_captured_bytes'] = str(sum(len(r.data) for r in mine))
        shown[side + '_wire_bytes'] = str(sum(r.origlen for r in mine))
        flags = flow.flags[flow.back if side == 'src' else not flow.back]
        shown[side + '_tcp_flags'] = flags_text(flags)
    times = [r.ts_ns for r in flow.records if r.ts_ns is not None]
    shown['first'] = time_text(min(times)) if times else ''
    shown['last'] = time_text(max(times)) if times else ''
    shown['linktype'] = str(flow.records[0].linktype)
    shown['initiator'], shown['initiator_by'] = initiator(flow) if \
        plain and not by.sided and by.takes('a') else ('', '')
    shown['service'] = service(flow, opt, shown)
    if community:
        whole = all(by.bits(end, family) == bits for end in 'ab'
                    for family, bits in (('4', 32), ('6', 128)))
        has = plain and not by.sided and whole and {'ip', 'proto', 'port'} <= by.fields
        shown['community_id'] = community_of(flow, opt) if has else ''
    if not opt.shards:
        if 'vlan' in by.fields:
            shown['vlan'] = '.'.join(key.vlans) if key else ''
        if 'tunnel' in by.fields:
            shown['tunnel'] = '.'.join(key.tunnels) if key else ''
        if 'label' in by.fields:
            shown['label'] = key.label if key else ''
        if 'iface' in by.fields:
            shown['iface'] = str(key.iface) if key else ''
    else:
        shown['shard'] = str(key.shard) if key else ''
    if opt.cuts.any:
        shown['output'] = str(flow.number) if key else ''
        shown['part'], shown['end'] = str(flow.part), flow.end
    if opt.inner:
        outer = flow.origin.outer
        shown.update(outer_src=outer.get('src', ''), outer_dst=outer.get('dst', ''),
                     outer_sport=outer.get('sport', ''), outer_dport=outer.get('dport', ''),
                     outer_proto=proto_text(outer.get('proto', '')))
    return shown


def initiator(flow: Flow) -> Tuple[str, str]:
    """And how it is known: by the first record's flags, or those of the part before it."""
    flags = int(flow.origin.ends.get('flags', '0'))
    if flags & pf.SYN:
        answers = bool(flags & pf.ACK)
        sent = flow.first_back == flow.back
        return ('src' if sent != answers else 'dst'), 'synack' if answers else 'syn'
    return initiator(flow.before) if flow.before else ('', '')


def service(flow: Flow, opt: Options, shown: Fields) -> str:
    """The server's port, in what is shown of the flow; a guess where it is not known."""
    if opt.by.sided:
        return shown['dport']
    known = shown['initiator']
    if not known:
        ports = {k: shown[k] for k in ('sport', 'dport') if shown[k]}
        known = 'src' if source_is_client(ports) else 'dst'
    return shown['dport' if known == 'src' else 'sport']


def community_of(flow: Flow, opt: Options) -> str:
    ends = flow.head.origin.ends
    return community_id(ends, opt.seed) if ends else ''


def default_name(flow: Flow, opt: Options) -> str:
    """{n:8}_{key}.pcap, of a key without fields beyond the tuple's."""
    if flow.key is None:
        return 'other.pcap'
    shown = key_row(flow, opt)
    proto = shown['proto']
    words = ['ip-' + proto if proto.isdigit() else proto]
    for side in ('src', 'dst'):
        words += [shown[side].replace(':', '-'), shown[side[0] + 'port']]
    folder = '%08d/' % (flow.number // FAN_OUT * FAN_OUT) if flow.number >= FAN_OUT else ''
    return '%s%08d_%s.pcap' % (folder, flow.number, '_'.join(w for w in words if w))


# ---- the whole output ----

COLUMNS = ['file', 'flow', 'proto', 'src', 'sport', 'dst', 'dport', 'src_packets', 'dst_packets',
           'src_captured_bytes', 'dst_captured_bytes', 'src_wire_bytes', 'dst_wire_bytes',
           'first', 'last', 'src_tcp_flags', 'dst_tcp_flags', 'linktype', 'initiator',
           'initiator_by', 'service',
           'community_id']
COUNTS = ('other', 'flows', 'outputs', 'fragments', 'orphans', 'cut_short')


class Tree(NamedTuple):
    files: Dict[str, bytes]
    manifest: bytes
    counts: Dict[str, int]


def tree(saved: pf.Savefile, by: str = 'flow', directed: bool = False,
         no_other: bool = False) -> Tree:
    """The whole output of cleave split but for cleave.json; by a tuple's fields."""
    opt = Options(by_of(by, directed), no_other=no_other)
    wanted = split(of_pcap(saved), opt)
    table = io.StringIO(newline='')
    rows = csv.DictWriter(table, COLUMNS, lineterminator='\n')
    rows.writeheader()
    files = {}
    for flow in wanted.flows:
        name = default_name(flow, opt)
        rows.writerow(row(flow, name, opt, True))
        files[name] = saved.header + b''.join(saved.records[r.number].raw
                                                       for r in flow.records)
    return Tree(files, table.getvalue().encode(), {name: wanted.counts[name] for name in COUNTS})
