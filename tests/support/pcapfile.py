# SPDX-License-Identifier: BSD-2-Clause
"""Classic pcap savefiles, written and read in plain Python, and packets to put into them.

Nothing here comes from the program under test: a savefile is built from its description
(pcap-savefile(5)), a packet from its RFC.
"""
import dataclasses
import functools
import ipaddress
import struct
from typing import Iterable, Iterator, List, Optional, Sequence, Tuple, Union

MAGIC = {'us': 0xa1b2c3d4, 'ns': 0xa1b23c4d, 'modified': 0xa1b2cd34}
FILE_HEADER_LEN = 24

LINK_NULL, LINK_ETHERNET, LINK_PPP, LINK_RAW, LINK_LOOP = 0, 1, 9, 101, 108
LINK_SLL, LINK_IPV4, LINK_IPV6, LINK_SLL2, LINK_USER0 = 113, 228, 229, 276, 147
LINK_PPP_HDLC, LINK_PPP_ETHER, LINK_C_HDLC = 50, 51, 104

ICMP, TCP, UDP, DCCP, GRE, ESP, ICMPV6, SCTP, UDPLITE = 1, 6, 17, 33, 47, 50, 58, 132, 136
HOP_BY_HOP, ROUTING, FRAGMENT, AH, DESTINATION = 0, 43, 44, 51, 60

TYPE_IPV4, TYPE_IPV6, TYPE_ARP, TYPE_VLAN, TYPE_QINQ = 0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8
TYPE_MPLS, TYPE_PPPOE = 0x8847, 0x8864

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


# ---- savefiles ----

@dataclasses.dataclass(frozen=True)
class Format:
    """What a savefile's header says."""
    kind: str = 'us'  # 'us', 'ns', 'modified': microseconds with 8 more bytes per record header
    big_endian: bool = False
    linktype: int = LINK_ETHERNET
    snaplen: int = 262144
    fcs: Optional[int] = None  # bytes of frame check sequence announced in the link type field
    version: Tuple[int, int] = (2, 4)

    @property
    def order(self) -> str:
        return '>' if self.big_endian else '<'

    @property
    def tick_ns(self) -> int:
        return 1 if self.kind == 'ns' else 1000

    @property
    def record_header_len(self) -> int:
        return 24 if self.kind == 'modified' else 16

    def header(self) -> bytes:
        network = self.linktype
        if self.fcs is not None:
            network |= 0x04000000 | self.fcs // 2 << 28
        return struct.pack(self.order + 'IHHiIII', MAGIC[self.kind], *self.version, 0, 0,
                           self.snaplen, network)

    def record(self, packet: bytes, ts_ns: int, origlen: Optional[int] = None,
               caplen: Optional[int] = None) -> bytes:
        """A record as the file holds it; caplen only where the header is to lie."""
        sec, ns = divmod(ts_ns, 10**9)
        head = struct.pack(self.order + 'IIII', sec, ns // self.tick_ns,
                           len(packet) if caplen is None else caplen,
                           len(packet) if origlen is None else origlen)
        if self.kind == 'modified':
            # Interface index, protocol, packet type, padding.
            head += struct.pack(self.order + 'IHBB', 2, TYPE_IPV4, 4, 0)
        return head + packet


@dataclasses.dataclass(frozen=True)
class Packet:
    """A packet with the time and the length that its record is to have."""
    data: bytes
    ts_ns: int
    origlen: Optional[int] = None


@dataclasses.dataclass
class Capture:
    format: Format
    packets: List[Packet]

    def encode(self) -> bytes:
        fmt = self.format
        return fmt.header() + b''.join(fmt.record(p.data, p.ts_ns, p.origlen)
                                       for p in self.packets)

    def cut(self, snaplen: int) -> 'Capture':
        """The same, captured with a smaller snaplen."""
        fmt = dataclasses.replace(self.format, snaplen=snaplen)
        return Capture(fmt, [Packet(p.data[:snaplen], p.ts_ns, p.origlen or len(p.data))
                             for p in self.packets])

    def as_format(self, **changes) -> 'Capture':
        return Capture(dataclasses.replace(self.format, **changes), self.packets)


@dataclasses.dataclass(frozen=True)
class Record:
    """A record read back."""
    offset: int  # of its header in the file
    raw: bytes   # header and packet
    data: bytes
    ts_ns: int
    caplen: int
    origlen: int


@dataclasses.dataclass
class Savefile:
    format: Format
    header: bytes
    records: List[Record]
    damage_at: Optional[int]  # byte of the first record that is not whole, None: sound


def _format_of(header: bytes) -> Format:
    for order in '<>':
        magic, major, minor, _, _, snaplen, network = struct.unpack(order + 'IHHiIII', header)
        for kind, number in MAGIC.items():
            if magic == number:
                fcs = (network >> 28 & 15) * 2 if network & 0x04000000 else None
                return Format(kind, order == '>', network & 0xffff, snaplen, fcs, (major, minor))
    raise ValueError('no classic pcap savefile')


def parse(data: bytes, caplen_max: int = 0xffffffff) -> Savefile:
    """
    Reads up to the first record that is not whole, or longer than caplen_max, or zeros. A file
    header of the same kind among the records, as cat leaves it, is passed over; others end it.
    """
    header = data[:FILE_HEADER_LEN]
    if len(header) < FILE_HEADER_LEN:
        raise ValueError('file header cut short')
    fmt = _format_of(header)
    records: List[Record] = []
    at, head_len = FILE_HEADER_LEN, fmt.record_header_len
    while at < len(data):
        if len(data) - at < head_len:
            return Savefile(fmt, header, records, at)
        if len(data) - at >= FILE_HEADER_LEN and data[at:at + 8] == header[:8] and \
                data[at + 20:at + 24] == header[20:24]:
            at += FILE_HEADER_LEN
            continue
        magics = [struct.pack(order + 'I', m) for order in '<>' for m in MAGIC.values()]
        if data[at:at + 16] == bytes(16) or data[at:at + 4] in magics:
            return Savefile(fmt, header, records, at)
        sec, frac, caplen, origlen = struct.unpack_from(fmt.order + 'IIII', data, at)
        if fmt.version[0] == 543 or fmt.version < (2, 3):
            caplen, origlen = origlen, caplen  # savefiles of the early nineties
        elif fmt.version == (2, 3):
            caplen, origlen = min(caplen, origlen), max(caplen, origlen)
        end = at + head_len + caplen
        if end > len(data) or caplen > caplen_max:
            return Savefile(fmt, header, records, at)
        records.append(Record(at, data[at:end], data[at + head_len:end],
                              sec * 10**9 + frac * fmt.tick_ns, caplen, origlen))
        at = end
    return Savefile(fmt, header, records, None)


def read(path: str) -> Savefile:
    with open(path, 'rb') as f:
        return parse(f.read())


# ---- packets ----

def checksum(data: bytes) -> int:
    """RFC 1071."""
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


@functools.lru_cache(maxsize=1 << 16)
def address(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(':', ''))


def ethernet(payload: bytes, ethertype: int = TYPE_IPV4, src: str = '02:00:00:00:00:01',
             dst: str = '02:00:00:00:00:02',
             vlans: Sequence[Union[int, Tuple[int, int]]] = ()) -> bytes:
    """vlans: ids from the outside in, or pairs of tag protocol and id."""
    out = mac(dst) + mac(src)
    for vlan in vlans:
        tpid, vid = vlan if isinstance(vlan, tuple) else (TYPE_VLAN, vlan)
        out += struct.pack('!HH', tpid, vid)
    return out + struct.pack('!H', ethertype) + payload


def mpls(payload: bytes, labels: Sequence[int]) -> bytes:
    out = b''
    for i, label in enumerate(labels):
        out += struct.pack('!I', label << 12 | (i == len(labels) - 1) << 8 | 64)
    return out + payload


def pppoe(payload: bytes, protocol: int = 0x0021) -> bytes:
    return struct.pack('!BBHHH', 0x11, 0, 7, len(payload) + 2, protocol) + payload


def snap(payload: bytes, ethertype: int = TYPE_IPV4, src: str = '02:00:00:00:00:01',
         dst: str = '02:00:00:00:00:02') -> bytes:
    """Ethernet with a length, LLC and SNAP."""
    body = bytes.fromhex('aaaa03000000') + struct.pack('!H', ethertype) + payload
    return ethernet(body, len(body), src, dst)


def arp(sender: str, target: str) -> bytes:
    body = struct.pack('!HHBBH', 1, TYPE_IPV4, 6, 4, 1) + mac('02:00:00:00:00:01')
    body += address(sender) + bytes(6) + address(target)
    return ethernet(body, TYPE_ARP, dst='ff:ff:ff:ff:ff:ff')


def sll(payload: bytes, protocol: int = TYPE_IPV4) -> bytes:
    return struct.pack('!HHH8sH', 0, 1, 6, bytes(8), protocol) + payload


def sll2(payload: bytes, protocol: int = TYPE_IPV4) -> bytes:
    return struct.pack('!HHIHBB8s', protocol, 0, 2, 1, 0, 6, bytes(8)) + payload


def ipv4(src: str, dst: str, proto: int, payload: bytes = b'', ident: int = 0, ttl: int = 64,
         options: bytes = b'', offset: int = 0, more: bool = False,
         total: Optional[int] = None) -> bytes:
    """offset: of a fragment, bytes; total: the length field where it is to lie."""
    assert len(options) % 4 == 0 and offset % 8 == 0
    header_len = 20 + len(options)
    head = struct.pack('!BBHHHBBH4s4s', 0x40 | header_len // 4, 0,
                       header_len + len(payload) if total is None else total, ident,
                       more << 13 | offset // 8, ttl, proto, 0, address(src), address(dst))
    head += options
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + payload


def extension(kind: int, following: int, blocks: int = 0) -> bytes:
    """An IPv6 extension header of 8 + 8 * blocks bytes (AH: 12 + 8 * blocks) of padding."""
    if kind == AH:
        return struct.pack('!BBHII', following, 1 + 2 * blocks, 0, 1, 1) + bytes(8 * blocks)
    if kind == ROUTING:
        return struct.pack('!BBBB4x', following, blocks, 253, 0) + bytes(8 * blocks)
    return struct.pack('!BBBB4x', following, blocks, 1, 4 + 8 * blocks) + bytes(8 * blocks)


def ipv6(src: str, dst: str, proto: int, payload: bytes = b'', hops: int = 64,
         extensions: Sequence[int] = (), length: Optional[int] = None) -> bytes:
    """extensions: kinds from the outside in; FRAGMENT is made by fragments6()."""
    for kind in reversed(extensions):
        payload = extension(kind, proto) + payload
        proto = kind
    return struct.pack('!IHBB16s16s', 6 << 28, len(payload) if length is None else length, proto,
                       hops, address(src), address(dst)) + payload


def _pseudo(src: str, dst: str, proto: int, segment: bytes) -> bytes:
    a, b = address(src), address(dst)
    if len(a) == 4:
        return a + b + struct.pack('!BBH', 0, proto, len(segment))
    return a + b + struct.pack('!II', len(segment), proto)


def tcp(src: str, dst: str, sport: int, dport: int, flags: int = ACK, payload: bytes = b'',
        seq: int = 1, ack: int = 0, window: int = 65535, options: bytes = b'') -> bytes:
    assert len(options) % 4 == 0
    segment = struct.pack('!HHIIBBHHH', sport, dport, seq, ack, (20 + len(options)) // 4 << 4,
                          flags, window, 0, 0) + options + payload
    value = checksum(_pseudo(src, dst, TCP, segment) + segment)
    return segment[:16] + struct.pack('!H', value) + segment[18:]


def udp(src: str, dst: str, sport: int, dport: int, payload: bytes = b'',
        proto: int = UDP) -> bytes:
    length = 8 + len(payload)
    datagram = struct.pack('!HHHH', sport, dport, length & 0xffff, 0) + payload
    value = checksum(_pseudo(src, dst, proto, datagram) + datagram) or 0xffff
    return datagram[:6] + struct.pack('!H', value) + datagram[8:]


def icmp(kind: int = 8, code: int = 0, rest: bytes = bytes(4), payload: bytes = b'') -> bytes:
    message = struct.pack('!BBH', kind, code, 0) + rest + payload
    return message[:2] + struct.pack('!H', checksum(message)) + message[4:]


def icmp6(src: str, dst: str, kind: int = 128, payload: bytes = bytes(4)) -> bytes:
    message = struct.pack('!BBH', kind, 0, 0) + payload
    value = checksum(_pseudo(src, dst, ICMPV6, message) + message)
    return message[:2] + struct.pack('!H', value) + message[4:]


def transport(proto: int, src: str, dst: str, sport: int, dport: int, payload: bytes = b'',
              flags: int = ACK) -> bytes:
    """A header of the protocol with ports, and the payload."""
    if proto == TCP:
        return tcp(src, dst, sport, dport, flags, payload)
    if proto in (UDP, UDPLITE):
        return udp(src, dst, sport, dport, payload, proto)
    if proto == SCTP:
        return struct.pack('!HHII', sport, dport, 1, 0) + payload
    if proto == DCCP:
        return struct.pack('!HHBBHI', sport, dport, 4, 0, 0, 0) + payload
    raise ValueError('protocol %d has no ports' % proto)


def ip(src: str, dst: str, proto: int, payload: bytes = b'', **more) -> bytes:
    build = ipv6 if ':' in src else ipv4
    return build(src, dst, proto, payload, **more)


def frame(src: str, dst: str, proto: int, payload: bytes = b'', vlans: Sequence = (),
          **more) -> bytes:
    """An IP packet in an Ethernet frame."""
    return ethernet(ip(src, dst, proto, payload, **more),
                    TYPE_IPV6 if ':' in src else TYPE_IPV4, vlans=vlans)


def fragments(src: str, dst: str, proto: int, datagram: bytes, size: int,
              ident: int) -> Iterator[bytes]:
    """The datagram in IP packets that carry at most size bytes of it each."""
    assert size % 8 == 0
    for offset in range(0, len(datagram), size):
        part, more = datagram[offset:offset + size], offset + size < len(datagram)
        if ':' in src:
            head = struct.pack('!BBHI', proto, 0, offset | more, ident)
            yield ipv6(src, dst, FRAGMENT, head + part)
        else:
            yield ipv4(src, dst, proto, part, ident=ident, offset=offset, more=more)


def at_times(frames: Iterable[bytes], start_ns: int = 10**9,
             step_ns: int = 1000000) -> List[Packet]:
    return [Packet(data, start_ns + i * step_ns) for i, data in enumerate(frames)]
