# SPDX-License-Identifier: BSD-2-Clause
"""Packets of every kind that src/decode/ reads, each with whose packet it is, outside and inside.

Built byte by byte from the RFCs and from the pages that https://www.tcpdump.org/linktypes.html
leads to, independent of the program's code.
"""
import ipaddress
import struct
import zlib
from typing import Callable, Dict, Iterator, NamedTuple, Optional, Sequence, Tuple

import pcapfile as pf


class Ends(NamedTuple):
    """Whose packet it is; both directions are the same. Ports: None where there are none."""
    proto: int
    a: Tuple[str, Optional[int]]
    b: Tuple[str, Optional[int]]

    def __str__(self) -> str:
        ends = ('%s' % a if p is None else '%s port %d' % (a, p) for a, p in (self.a, self.b))
        return 'protocol %d, %s' % (self.proto, ' and '.join(ends))

    def without_ports(self) -> 'Ends':
        return ends_of(self.a[0], self.b[0], self.proto)


def ends_of(src: str, dst: str, proto: int, sport: Optional[int] = None,
            dport: Optional[int] = None) -> Ends:
    a, b = sorted(((str(ipaddress.ip_address(addr)), -1 if port is None else port)
                   for addr, port in ((src, sport), (dst, dport))))
    if sport is None:
        return Ends(proto, (a[0], None), (b[0], None))
    return Ends(proto, a, b)


class Made(NamedTuple):
    """A packet and what it was built from. None: no network address."""
    name: str
    linktype: int
    data: bytes
    outer: Optional[Ends]
    inner: Optional[Ends]
    between: Tuple[Ends, ...] = ()  # tunnels in the outermost one


class Load(NamedTuple):
    """An IP packet to be carried."""
    name: str
    data: bytes
    ends: Ends

    @property
    def v6(self) -> bool:
        return self.data[0] >> 4 == 6

    @property
    def type(self) -> bytes:
        """The EtherType."""
        return b'\x86\xdd' if self.v6 else b'\x08\x00'

    @property
    def ppp(self) -> bytes:
        """The PPP protocol number."""
        return b'\x00\x57' if self.v6 else b'\x00\x21'


Wrap = Callable[[Load], bytes]
x = bytes.fromhex


def u16(value: int) -> bytes:
    return struct.pack('!H', value)


def u32(value: int) -> bytes:
    return struct.pack('!I', value)


def le16(value: int) -> bytes:
    return struct.pack('<H', value)


def le32(value: int) -> bytes:
    return struct.pack('<I', value)


def load_of(src: str, dst: str, proto: int, sport: int, dport: int, **more) -> Load:
    data = pf.ip(src, dst, proto, pf.transport(proto, src, dst, sport, dport, b'in here'), **more)
    return Load('IPv6' if ':' in src else 'IPv4', data, ends_of(src, dst, proto, sport, dport))


LOAD4 = load_of('10.1.1.1', '10.2.2.2', pf.TCP, 11111, 22222)
LOAD6 = load_of('2001:db8:1::1', '2001:db8:2::2', pf.UDP, 33333, 44444)
LOADS = (LOAD4, LOAD6)
OUTER = {4: ('192.0.2.1', '198.51.100.2'), 6: ('2001:db8:a::1', '2001:db8:b::2')}
MACS = x('020000000002 020000000001')


def ether(load: Load, macs: bytes = MACS) -> bytes:
    return macs + load.type + load.data


def framed(load: Load, macs: bytes = MACS) -> Load:
    return load._replace(data=ether(load, macs))


def snap(load: Load) -> bytes:
    """IEEE 802.2 LLC and SNAP, RFC 1042."""
    return x('aaaa03 000000') + load.type + load.data


# ---- link layers ----

def family_of(load: Load, v6: int) -> int:
    """AF_INET is 2 everywhere, AF_INET6 is not."""
    return v6 if load.v6 else 2


def link_layers() -> Dict[str, Tuple[int, Wrap]]:
    """LINKTYPE_ number and packet."""
    found: Dict[str, Tuple[int, Wrap]] = {
        'Ethernet': (1, ether),
        'token ring': (6, lambda p: x('10 40') + MACS + snap(p)),
        'token ring, routed': (6, lambda p: x('10 40 020000000002 820000000001 0630 0011 0020') +
                               snap(p)),
        'ARCnet, RFC 1201': (7, lambda p: x('01 02') + (x('c4') if p.v6 else x('d4')) +
                             x('00 0001') + p.data),
        'ARCnet, RFC 1201, exception': (7, lambda p: x('01 02') + (
            x('c4 ff ffff c4') if p.v6 else x('d4 ff ffff d4')) + x('00 0001') + p.data),
        'ARCnet of Linux, RFC 1201': (129, lambda p: x('01 02 0000') + (
            x('c4') if p.v6 else x('d4')) + x('00 0001') + p.data),
        'ARCnet of Linux, RFC 1051': (129, lambda p: b'' if p.v6 else x('01 02 0000 f0') + p.data),
        'SLIP': (8, lambda p: x('00 40') + bytes(14) + p.data),
        'SLIP of BSD/OS': (102, lambda p: bytes(24) + p.data),
        'PPP': (9, lambda p: x('ff03') + p.ppp + p.data),
        'PPP without address': (9, lambda p: p.ppp + p.data),
        'PPP, protocol of one byte': (9, lambda p: x('ff03') + p.ppp[1:] + p.data),
        'PPP, MPLS': (9, lambda p: x('ff03 0281 00064140') + p.data),
        'PPP, bridged': (9, lambda p: x('ff03 0031 00 01') + ether(p)),
        'PPP, Cisco': (9, lambda p: x('0f00') + p.type + p.data),
        'PPP, Cisco, multicast': (9, lambda p: x('8f00') + p.type + p.data),
        'NULL, Cisco': (0, lambda p: x('0f00') + p.type + p.data),
        'PPP, bridged, LAN id': (9, lambda p: x('ff03 0031 40 01 00000007') + ether(p)),
        'FDDI': (10, lambda p: x('50') + MACS + snap(p)),
        'FDDI, synchronous': (10, lambda p: x('d0') + MACS + snap(p)),
        'raw 12': (12, lambda p: p.data), 'raw 14': (14, lambda p: p.data),
        'raw': (101, lambda p: p.data),
        'PPP in HDLC': (50, lambda p: x('ff03') + p.ppp + p.data),
        'PPP in HDLC, Cisco': (50, lambda p: x('0f00') + p.type + p.data),
        'PPPoE': (51, lambda p: x('1100 0007') + u16(len(p.data) + 2) + p.ppp + p.data),
        'ATM, LLC': (100, snap),
        'ATM, LLC, NLPID': (100, lambda p: x('fefe03') + (x('8e') if p.v6 else x('cc')) + p.data),
        'ATM, LLC, PPP': (100, lambda p: x('fefe03 cf') + p.ppp + p.data),
        'ATM, bridged': (100, lambda p: x('aaaa03 0080c2 0007 0000') + ether(p)),
        'ATM, routed': (100, lambda p: p.data),
        'ATM of Linux': (106, snap), 'ATM of Linux, routed': (106, lambda p: p.data),
        'Cisco HDLC': (104, lambda p: x('0f00') + p.type + p.data),
        'frame relay, NLPID': (107, lambda p: x('1841 03') + (x('8e') if p.v6 else x('cc')) +
                               p.data),
        'frame relay, SNAP': (107, lambda p: x('1841 03 00 80 000000') + p.type + p.data),
        'frame relay, bridged': (107, lambda p: x('1841 03 00 80 0080c2 0007') + ether(p)),
        'frame relay, Cisco': (107, lambda p: x('1841') + p.type + p.data),
        'frame relay, long address': (107, lambda p: x('18400081 03') + (
            x('8e') if p.v6 else x('cc')) + p.data),
        'SLL': (113, lambda p: x('0000 0001 0006 020000000001 0000') + p.type + p.data),
        'SLL, VLAN': (113, lambda p: x('0000 0001 0006 020000000001 0000 8100 0007') + p.type +
                      p.data),
        'SLL, LLC': (113, lambda p: x('0000 0001 0006 020000000001 0000 0004') + snap(p)),
        'SLL2': (276, lambda p: p.type + x('0000 00000002 0001 00 06 020000000001 0000') + p.data),
        'SLL, frame': (113, lambda p: x('0000 0001 0006 020000000001 0000 0003') + ether(p)),
        'SLL, PPP': (113, lambda p: x('0000 0200 0000 0000000000000000 0007 ff03') + p.ppp + p.data),
        'SLL, frame relay': (113, lambda p: x('0000 0302 0002 1841000000000000 00f4 1841 03') + (
            x('8e') if p.v6 else x('cc')) + p.data),
        'pflog of OpenBSD': (117, lambda p: x('3d') + bytes([family_of(p, 24)]) + bytes(62) +
                             p.data),
        'pflog of FreeBSD': (117, lambda p: x('48') + bytes([family_of(p, 28)]) + bytes(70) +
                             p.data),
        'IP over fibre channel': (122, lambda p: x('1000020000000002 1000020000000001') +
                                  snap(p)),
        'SunATM': (123, lambda p: x('02 00 0064') + snap(p)),
        'IP over FireWire': (138, lambda p: x('0200000000000002 0200000000000001') + p.type +
                             p.data),
        'DOCSIS': (143, lambda p: docsis(x('00 00'), b'', with_fcs(ether(p)))),
        'DOCSIS, extended header': (143, lambda p: docsis(x('01 04'), x('10000000'),
                                                           with_fcs(ether(p)))),
        'PPP of pppd': (166, lambda p: x('00 03') + p.ppp + p.data),
        'PPP with direction': (204, lambda p: x('01 ff03') + p.ppp + p.data),
        'PPP with direction, no address': (204, lambda p: x('00') + p.ppp + p.data),
        'Cisco HDLC with direction': (205, lambda p: x('01 0f00') + p.type + p.data),
        'frame relay with direction': (206, lambda p: x('01 1841 03') + (
            x('8e') if p.v6 else x('cc')) + p.data),
        'PPP of BSD/OS': (103, lambda p: x('0000000000') + p.ppp + bytes(17) + p.data),
        'MPLS': (219, lambda p: x('00064140') + p.data),
        'ipnet': (226, lambda p: x('01') + (x('1a') if p.v6 else x('02')) + x('0001') +
                  u32(len(p.data)) + bytes(16) + p.data),
        'IPv4 or IPv6': (228, lambda p: p.data if not p.v6 else b''),
        'IPv6': (229, lambda p: p.data if p.v6 else b''),
        'netANALYZER': (240, lambda p: netanalyzer(ether(p), 0)),
        'netANALYZER, transparent': (241, lambda p: netanalyzer(
            ether(p), 1, x('55555555555555d5'))),
        'IP over InfiniBand': (242, lambda p: bytes(40) + p.type + x('0000') + p.data),
        'EPON': (259, lambda p: x('5555d555 5500 01 00') + ether(p)),
        'mPacket, express': (274, lambda p: x('55555555555555 d5') + with_fcs(ether(p))),
        'mPacket, preemptable': (274, lambda p: x('55555555555555 e6') + with_fcs(ether(p))),
        'Broadcom tag': (281, lambda p: MACS + x('20000003') + p.type + p.data),
        'Broadcom tag before': (282, lambda p: x('20000003') + ether(p)),
        'DSA': (284, lambda p: MACS + x('c0080001') + p.type + p.data),
        'EDSA': (285, lambda p: MACS + x('dada 0000 c0080001') + p.type + p.data),
    }
    for name, v6 in (('Linux', 10), ('NetBSD', 24), ('FreeBSD', 28), ('Darwin', 30)):
        for order, text in (('<', 'little'), ('>', 'big')):
            found['NULL, %s, %s' % (name, text)] = (0, lambda p, o=order, f=v6: struct.pack(
                o + 'I', family_of(p, f)) + p.data)
            found['ENC, %s, %s' % (name, text)] = (109, lambda p, o=order, f=v6: struct.pack(
                o + 'I', family_of(p, f)) + x('00000100 00000002') + p.data)
        found['LOOP, ' + name] = (108, lambda p, f=v6: u32(family_of(p, f)) + p.data)
    for order, text in (('<', 'little'), ('>', 'big')):
        found['nflog, ' + text] = (239, lambda p, o=order: bytes([family_of(p, 10)]) +
                                   x('00 0001') + nflog_value(o, 1, p.type + x('0300')) +
                                   nflog_value(o, 10, b'in\0') + nflog_value(o, 9, p.data))
    for kind, text in ((2, 'Ethernet'), (11, 'colour Ethernet'), (16, 'DSM Ethernet'),
                       (20, 'hash Ethernet')):
        found['ERF, ' + text] = (197, lambda p, k=kind: erf(k, x('0000') + ether(p) + bytes(4)))
    for kind, text in ((1, 'HDLC'), (10, 'colour HDLC'), (15, 'DSM HDLC'), (19, 'hash HDLC')):
        found['ERF, ' + text] = (197, lambda p, k=kind: erf(k, x('ff03') + p.ppp + p.data))
    found['ERF, channelised HDLC'] = (197, lambda p: erf(5, bytes(4) + x('ff03') + p.ppp +
                                                         p.data))
    found['ERF, two more headers'] = (197, lambda p: erf(
        2, x('0000') + ether(p), x('8300000000000000 0400000000000000')))
    found['ERF, IP'] = (197, lambda p: erf(23 if p.v6 else 22, p.data))
    for number, name, wrap in ((1, 'Ethernet', ether), (9, 'PPP', lambda p: p.ppp + p.data),
                               (12, 'raw', lambda p: p.data)):
        found['PPI, ' + name] = (192, lambda p, n=number, w=wrap: x('00 00 0800') + le32(n) +
                                 w(p))
        found['PKTAP, ' + name] = (258, lambda p, n=number, w=wrap: le32(108) + le32(1) +
                                   le32(n) + bytes(96) + w(p))
    found['PKTAP in USER2'] = (149, lambda p: le32(108) + le32(1) + le32(1) + bytes(96) + ether(p))
    found.update(juniper())
    found['exported, tags'] = (252, exported)
    found['exported, IP'] = (252, lambda p: tag(12, b'ipv6' if p.v6 else b'ip') + tag(0, b'') +
                             p.data)
    found['exported, Ethernet'] = (252, lambda p: tag(12, b'eth_withoutfcs') + tag(0, b'') +
                                   ether(p))
    found['exported, raw'] = (252, lambda p: tag(11, u32(101)) + tag(0, b'') + p.data)
    found['PPI, fields'] = (192, lambda p: x('00 00 1000 01000000 0300 0400 00000000') + ether(p))
    return found


def juniper() -> Dict[str, Tuple[int, Wrap]]:
    """By tcpdump's print-juniper.c: magic number, flags, extensions, a card's cookie, packet."""
    heads = {'': x('4d4743 01'),
             ', extensions': x('4d4743 81 0010 0101 01 0204 67652d30 0302 0100 060100')}
    found: Dict[str, Tuple[int, Wrap]] = {}

    def card(name: str, linktype: int, wrap: Wrap, cookie: bytes = b'') -> None:
        for text, head in heads.items():
            found['Juniper, ' + name + text] = (linktype, lambda p, h=head: h + cookie + wrap(p))

    def nlpid(p: Load) -> bytes:
        return (x('8e') if p.v6 else x('cc')) + p.data

    for linktype, name in ((130, 'MLPPP'), (131, 'MLFR'), (132, 'ES'), (133, 'GGSN'), (135, 'ATM2'),
                           (136, 'services'), (137, 'ATM1'), (164, 'monitor'), (167, 'PPPoE'),
                           (178, 'Ethernet'), (179, 'PPP'), (180, 'frame relay'), (181, 'HDLC')):
        for text, head in ((', no link layer', x('4d4743 03')),
                           (', no link layer, extensions', x('4d4743 82 0003 0101 01'))):
            found['Juniper, ' + name + text] = (linktype, lambda p, h=head: h + le32(
                6 if p.v6 else 2) + p.data)
    card('Ethernet', 178, ether)
    card('PPPoE', 167, ether)
    card('PPP', 179, lambda p: x('ff03') + p.ppp + p.data)
    card('frame relay', 180, lambda p: x('1841 03') + nlpid(p))
    card('HDLC', 181, lambda p: x('0f00') + p.type + p.data)
    card('PPPoE over ATM', 168, lambda p: x('8864 1100 0007') + u16(len(p.data) + 2) + p.ppp +
         p.data)
    card('services', 136, lambda p: p.data, x('47 01 0002 00000003'))
    card('monitor', 164, lambda p: p.data, x('01 00 0002 00000003'))
    card('GGSN', 133, lambda p: x('01 02') + (x('06') if p.v6 else x('02')) + x('00 0007 0000') +
         p.data)
    card('IPsec', 132, lambda p: x('0001 40 04 00000100 c0000201 c6336402') + p.data)
    card('ATM1, SNAP', 137, snap, x('00 000064'))
    card('ATM1, NLPID', 137, lambda p: x('03') + nlpid(p), x('00 000064'))
    card('ATM1, routed', 137, lambda p: p.data, x('00 000064'))
    card('ATM2, SNAP', 135, snap, x('00000064 00000000'))
    card('ATM2, routed', 135, lambda p: p.data, x('00000064 00000000'))
    card('MLPPP, services', 130, lambda p: x('47 01 0002 00') + (x('10') if p.v6 else x('00')) +
         x('0003') + p.data)
    card('MLPPP, link services', 130, lambda p: x('ff03') + p.ppp + p.data, x('54 01 0002'))
    card('MLPPP', 130, lambda p: p.ppp + p.data, x('00 02'))
    card('MLPPP, one line', 130, lambda p: x('ff03') + p.ppp + p.data)
    card('MLFR', 131, lambda p: x('03') + nlpid(p), x('00 02'))
    card('MFR', 134, lambda p: x('03') + nlpid(p), x('00 000002'))
    return found


def tag(kind: int, value: bytes) -> bytes:
    """Of an exported PDU; the length counts the padding, too."""
    value += bytes(-len(value) % 4)
    return u16(kind) + u16(len(value)) + value


def exported(load: Load) -> bytes:
    """A protocol above load's, with load's addresses in tags, as epan/exported_pdu.h says."""
    (a, aport), (b, bport) = load.ends.a, load.ends.b
    first = 22 if load.v6 else 20
    kind = {pf.TCP: 2, pf.UDP: 3}[load.ends.proto]
    return tag(12, b'data') + tag(first, ipaddress.ip_address(a).packed) + \
        tag(first + 1, ipaddress.ip_address(b).packed) + tag(24, u32(kind)) + \
        tag(25, u32(aport or 0)) + tag(26, u32(bport or 0)) + tag(30, u32(7)) + tag(0, b'') + \
        b'in here'


def with_fcs(frame: bytes) -> bytes:
    """IEEE 802.3 clause 3.2.9."""
    return frame + le32(zlib.crc32(frame))


def netanalyzer(frame: bytes, transparent: int, before: bytes = b'') -> bytes:
    """Hilscher's header: errors, input, transparent, version 1, port, length."""
    frame = before + with_fcs(frame)
    return le32(transparent << 9 | 1 << 10 | len(frame) << 16) + frame


def docsis(head: bytes, more: bytes, frame: bytes) -> bytes:
    """A packet: its header ends in a check sequence, that of X.25."""
    head += u16(len(frame) + len(more)) + more
    crc = 0xffff
    for byte in head:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return head + le16(~crc & 0xffff) + frame


def nflog_value(order: str, kind: int, data: bytes) -> bytes:
    return struct.pack(order + 'HH', len(data) + 4, kind) + data + bytes(-len(data) % 4)


def erf(kind: int, payload: bytes, extensions: bytes = b'') -> bytes:
    """Endace's record: time stamp, type, flags, record length, loss counter, wire length."""
    length = 16 + len(extensions) + len(payload)
    return le32(0) + le32(1) + struct.pack(
        '!BBHHH', kind | (0x80 if extensions else 0), 4, length, 0, len(payload)) + extensions + \
        payload


# ---- between Ethernet's addresses and the network header ----

# Of pseudowires with a control word and without.
LABEL_CW, LABEL_NO_CW = 300, 200


def pw_label(control_word: bytes) -> int:
    return LABEL_CW if control_word else LABEL_NO_CW


def shims() -> Dict[str, Wrap]:
    """Frames of Ethernet."""
    found: Dict[str, Wrap] = {}

    def tags(name: str, text: str) -> None:
        found[name] = lambda p, head=x(text): MACS + head + p.type + p.data

    tags('VLAN', '8100 6007')
    tags('VLAN, priority', '8100 e000')
    tags('VLAN in VLAN', '8100 0007 8100 0008')
    tags('QinQ', '88a8 0007 8100 0008')
    for old in ('9100', '9200', '9300'):
        tags('QinQ ' + old, old + ' 0007 8100 0008')
    tags('five tags', '88a8 0001 8100 0002 8100 0003 8100 0004 8100 0005')
    for labels in (1, 2, 3, 8):
        found['MPLS, %d labels' % labels] = lambda p, n=labels: MACS + x('8847') + pf.mpls(
            p.data, range(100, 100 + n))
    found['MPLS multicast'] = lambda p: MACS + x('8848') + pf.mpls(p.data, [100])
    found['MPLS, explicit null'] = lambda p: MACS + x('8847') + pf.mpls(
        p.data, [2 if p.v6 else 0])
    found['VLAN, MPLS'] = lambda p: MACS + x('8100 0007 8847') + pf.mpls(p.data, [100])
    for head, text in ((b'', ''), (x('00000000'), ', control word'),
                       (x('00000a2b'), ', control word, sequence')):
        for macs, of in ((MACS, ''), (x('4c0000000002 020000000001'), ', address 4c:'),
                         (x('6c0000000002 020000000001'), ', address 6c:'),
                         (x('450000000002 020000000001'), ', address 45:')):
            found['pseudowire' + text + of] = lambda p, h=head, m=macs: MACS + x('8847') + \
                pf.mpls(h + ether(p, m), [100, pw_label(h)])
        found['pseudowire, VLAN' + text] = lambda p, h=head: MACS + x('8847') + pf.mpls(
            h + MACS + x('8100 0007') + p.type + p.data, [pw_label(h)])
    found['PPPoE'] = lambda p: MACS + x('8864 1100 0007') + u16(len(p.data) + 2) + p.ppp + p.data
    found['PPPoE, protocol of one byte'] = lambda p: MACS + x('8864 1100 0007') + u16(
        len(p.data) + 1) + p.ppp[1:] + p.data
    found['VLAN, PPPoE'] = lambda p: MACS + x('8100 0007 8864 1100 0007') + u16(
        len(p.data) + 2) + p.ppp + p.data
    found['PPPoE, MPLS'] = lambda p: MACS + x('8864 1100 0007') + u16(len(p.data) + 6) + \
        x('0281 00064140') + p.data
    tags('802.1ah', '88e7 00000064' + MACS.hex())
    tags('802.1ah behind B-tag', '88a8 0007 88e7 00000064' + MACS.hex())
    tags('802.1ah, VLAN', '88e7 00000064' + MACS.hex() + '8100 0007')
    tags('VN-Tag', '8926 80010002')
    tags('VN-Tag, VLAN', '8926 80010002 8100 0007')
    tags('E-Tag', '893f 0001 0002 0000')
    tags('R-Tag', 'f1c1 0000 0001')
    found['HSR'] = lambda p: MACS + x('892f') + u16(len(p.data) + 6) + x('0001') + p.type + p.data
    tags('EDSA', 'dada 0000 c0080001')
    tags('Broadcom', '8874 00000003')
    tags('Broadcom, egress', '8874 40000003')
    tags('Cisco metadata', '8909 01 01 0001 0064')
    tags('MACsec', '88e5 00 00 00000001')
    tags('MACsec, channel', '88e5 20 00 00000001 0200000000010001')
    tags('MACsec, VLAN', '88e5 00 00 00000001 8100 0007')
    tags('Arista, 64 bits', 'd28b 0001 0010 00000001 00000002')
    tags('Arista, 64 bits, UTC', 'd28b 0001 0110 00000001 00000002')
    tags('Arista, 48 bits', 'd28b 0001 0020 0001 00000002')
    tags('Arista, VLAN', 'd28b 0001 0020 0001 00000002 8100 0007')
    found['FabricPath'] = lambda p: x('01bbcc000001 020000000201 8903 006f') + ether(p)
    found['FabricPath, VLAN'] = lambda p: x('01bbcc000001 020000000201 8903 006f') + MACS + x(
        '8100 0007') + p.type + p.data
    found['TRILL'] = lambda p: MACS + x('22f3 003f 0001 0002') + ether(p)
    found['TRILL, options'] = lambda p: MACS + x('22f3 00bf 0001 0002 0000000000000000') + ether(p)
    found['bridged'] = lambda p: MACS + x('6558') + ether(p)
    found['LLC and SNAP, jumbo'] = lambda p: MACS + x('8870') + snap(p)
    for name, wrap in nsh().items():
        found[name] = lambda p, w=wrap: MACS + x('894f') + w(p)
    found['ISL'] = lambda p: x('01000c0000 00 020000000001') + u16(len(ether(p)) + 22) + \
        x('aaaa03 00000c 000e 0000 0000') + ether(p) + bytes(4)
    found['LLC'] = lambda p: b'' if p.v6 else MACS + u16(len(p.data) + 3) + x('060603') + p.data
    found['LLC and SNAP'] = lambda p: MACS + u16(len(snap(p))) + snap(p)
    found['LLC and SNAP, VLAN outside'] = lambda p: MACS + x('8100 0007') + u16(len(snap(p))) + \
        snap(p)
    found['LLC and SNAP, VLAN inside'] = lambda p: MACS + u16(len(p.data) + 12) + \
        x('aaaa03 000000 8100 0007') + p.type + p.data
    found['802.1H'] = lambda p: MACS + u16(len(p.data) + 8) + x('aaaa03 0000f8') + p.type + p.data
    return found


def nsh() -> Dict[str, Wrap]:
    """RFC 8300 section 2: fixed contexts or none, next protocols."""
    fixed = x('00 000001 ff') + bytes(16)
    return {
        'NSH, IP': lambda p: x('0fc6 01') + (x('02') if p.v6 else x('01')) + fixed[1:] + p.data,
        'NSH, Ethernet': lambda p: x('0fc6 01 03') + fixed[1:] + ether(p),
        'NSH, MPLS': lambda p: x('0fc6 01 05') + fixed[1:] + x('00064140') + p.data,
        'NSH, no context': lambda p: x('0fc2 02 03 000001 ff') + ether(p),
        'NSH in NSH': lambda p: x('0fc2 02 04 000001 ff 0fc2 02 03 000002 ff') + ether(p),
    }


def opaque() -> Iterator[Tuple[str, int, bytes]]:
    """Packets without a network address that can be read, though all have one further on."""
    p = LOAD4
    yield 'MACsec, encrypted', 1, MACS + x('88e5 0c 00 00000001') + p.type + p.data
    yield 'MACsec, encrypted, channel', 1, MACS + x(
        '88e5 2c 00 00000001 0200000000010001') + p.type + p.data
    yield 'MACsec, changed', 1, MACS + x('88e5 04 00 00000001') + p.type + p.data
    yield 'ARP', 1, pf.arp('10.1.1.1', '10.2.2.2')
    yield 'NSH, version 1', 1, MACS + x('894f 4fc2 02 03 000001 ff') + ether(p)
    yield 'NSH, length 4', 1, MACS + x('894f 0fc1 02 03 000001 ff') + ether(p)
    yield 'Arista, unknown version', 1, MACS + x('d28b 0001 0030 0001 00000002') + p.type + p.data
    yield 'Arista, unknown subtype', 1, MACS + x('d28b 0002 0010 0001 00000002') + p.type + p.data
    yield 'Juniper, no magic', 178, x('4d4744 00') + ether(p)
    yield 'exported, no end', 252, exported(p)[:-11]
    yield 'exported, one address', 252, tag(20, bytes(4)) + tag(0, b'')
    yield 'USER2', 149, ether(p)
    yield 'VSOCK', 271, struct.pack('<QQIIHHI', 3, 2, 1000, 1024, 4, 0, 0)
    yield 'LLDP', 1, MACS + x('88cc') + p.data
    yield 'spanning tree', 1, MACS + u16(38) + x('424203') + bytes(35)
    yield 'neither length nor type', 1, MACS + u16(1501) + snap(p)
    yield 'PPPoE, link control', 1, MACS + x('8864 1100 0007 0010 c021') + p.data
    yield 'mPacket, continued', 274, x('555555555555 61 e6') + ether(p)
    yield 'mPacket, continued, second', 274, x('555555555555 52 4c') + ether(p)
    yield 'ARCnet, later part', 7, x('01 02 d4 02 0001') + p.data
    yield 'ARCnet, later part, exception', 7, x('01 02 d4 ff ffff d4 02 0001') + p.data
    yield 'DOCSIS, management', 143, x('c2 00 0040 0000') + ether(p)
    yield 'PPI, nothing known', 192, x('00 00 0800') + le32(147) + p.data
    for subtype, name in ((0x48, 'null'), (0xc8, 'QoS null'), (0x80, 'beacon'), (0xb4, 'RTS')):
        yield '802.11, ' + name, 105, bytes([subtype, 1]) + wlan(p)[2:]
    yield '802.11, protected', 105, x('0841') + wlan(p)[2:]
    yield '802.11, later fragment', 105, wlan(p, sequence=0x0011)
    yield '802.11, second of three fragments', 105, wlan(p, more=4, sequence=0x0012)


# ---- IEEE 802.11 ----

def wlan(load: Load, to_ds: int = 0, from_ds: int = 0, qos: Optional[int] = None, more: int = 0,
         order: bool = False, aggregate: bool = False, align: int = 1, sequence: int = 0x0010,
         payload: Optional[bytes] = None) -> bytes:
    """A data frame, IEEE 802.11-2020 section 9.3.2.1. more: other bits of the second byte."""
    flags = to_ds | from_ds << 1 | more | (0x80 if order else 0)
    out = bytes([0x88 if qos is not None else 0x08, flags]) + x('2c00') + MACS + \
        x('020000000003') + le16(sequence)
    if to_ds and from_ds:
        out += x('020000000004')
    if qos is not None:
        out += le16(qos | (0x80 if aggregate else 0))
        if order:
            out += x('00000000')
    out += bytes(-len(out) % align)
    if payload is None:
        payload = snap(load)
    if aggregate:
        other = b'\xaa\xaa\x03' + bytes(3) + x('88b5') + bytes(20)
        out += MACS + u16(len(payload)) + payload + bytes(-(14 + len(payload)) % 4) + MACS + \
            u16(len(other)) + other
        return out
    return out + payload


def wlan_frames() -> Dict[str, Wrap]:
    found: Dict[str, Wrap] = {}
    for to_ds in (0, 1):
        for from_ds in (0, 1):
            name = 'to DS %d, from DS %d' % (to_ds, from_ds)
            found[name] = lambda p, t=to_ds, f=from_ds: wlan(p, t, f)
            found[name + ', QoS'] = lambda p, t=to_ds, f=from_ds: wlan(p, t, f, qos=6)
            found[name + ', QoS, HT control'] = lambda p, t=to_ds, f=from_ds: wlan(
                p, t, f, qos=6, order=True)
    found['aggregate'] = lambda p: wlan(p, 1, qos=6, aggregate=True)
    found['aggregate, HT control'] = lambda p: wlan(p, 1, qos=6, order=True, aggregate=True)
    found['first fragment'] = lambda p: wlan(p, 1, more=4)
    found['retry'] = lambda p: wlan(p, 0, 1, more=8)
    found['802.1H'] = lambda p: wlan(p, 1, payload=x('aaaa03 0000f8') + p.type + p.data)
    found['VLAN'] = lambda p: wlan(p, 1, payload=x('aaaa03 000000 8100 0007') + p.type + p.data)
    return found


def radiotap(present: Sequence[int], fields: bytes, frame: bytes) -> bytes:
    """radiotap.org; present: the words, the bit for another is set here."""
    words = b''.join(le32(word | (0x80000000 if i < len(present) - 1 else 0))
                     for i, word in enumerate(present))
    return x('00 00') + le16(4 + len(words) + len(fields)) + words + fields + frame


def wlan_headers() -> Dict[str, Tuple[int, Callable[[bytes], bytes], int]]:
    """LINKTYPE_ number, what stands before the frame, alignment of the frame's header."""
    tsft = bytes(8)
    return {
        '802.11': (105, lambda f: f, 1),
        'radiotap': (127, lambda f: radiotap([0], b'', f), 1),
        'radiotap, flags': (127, lambda f: radiotap([2], x('00'), f), 1),
        'radiotap, FCS': (127, lambda f: radiotap([2], x('10'), f + x('00000000')), 1),
        'radiotap, TSFT, flags, rate': (127, lambda f: radiotap([7], tsft + x('00 02'), f), 1),
        'radiotap, padded': (127, lambda f: radiotap([2], x('20'), f), 4),
        'radiotap, TSFT, padded': (127, lambda f: radiotap([3], tsft + x('20'), f), 4),
        'radiotap, two words, padded': (127, lambda f: radiotap([2, 0], x('20'), f), 4),
        # Fields are aligned to their size, from the beginning of the header.
        'radiotap, two words, TSFT, padded': (127, lambda f: radiotap(
            [0x20000003, 0], bytes(4) + tsft + x('20'), f), 4),
        'radiotap, three words, TSFT, padded': (127, lambda f: radiotap(
            [0x20000003, 0x20000000, 0], tsft + x('20'), f), 4),
        'PPI': (192, lambda f: x('00 00 0800') + le32(105) + f, 1),
        'Prism': (119, lambda f: le32(0x44) + le32(144) + b'wlan0'.ljust(16, b'\0') + bytes(120) +
                  f, 1),
        'Prism, big': (119, lambda f: u32(0x44) + u32(144) + b'wlan0'.ljust(16, b'\0') +
                       bytes(120) + f, 1),
        'AVS in the place of Prism': (119, lambda f: u32(0x80211001) + u32(64) + bytes(56) + f, 1),
        'AVS': (163, lambda f: u32(0x80211001) + u32(64) + bytes(56) + f, 1),
        'SLL, radiotap': (113, lambda f: x('0004 0323 0000 0000000000000000 0004') +
                          radiotap([0], b'', f), 1),
        'SLL2, radiotap': (276, lambda f: x('0004 0000 00000002 0323 04 00 0000000000000000') +
                           radiotap([2], x('20'), f), 4),
        'PKTAP, radiotap': (258, lambda f: le32(108) + le32(1) + le32(127) + bytes(96) +
                            radiotap([0], b'', f), 1),
    }


# ---- tunnels ----

def gre_header(checksum: bool, key: bool, sequence: bool, kind: bytes) -> bytes:
    """RFC 2784 and 2890."""
    out = u16(checksum << 15 | key << 13 | sequence << 12) + kind
    return out + (x('00000000') if checksum else b'') + (u32(77) if key else b'') + \
        (u32(5) if sequence else b'')


def pptp(load: Load, sequence: bool, ack: bool) -> bytes:
    """RFC 2637 section 4.1."""
    payload = x('ff03') + load.ppp + load.data
    return u16(0x2001 | sequence << 12 | ack << 7) + x('880b') + u16(len(payload)) + x('0001') + \
        (u32(5) if sequence else b'') + (u32(4) if ack else b'') + payload


def in_ip() -> Dict[str, Tuple[int, Wrap]]:
    """IP protocol and what follows."""
    found: Dict[str, Tuple[int, Wrap]] = {}
    for bits in range(8):
        c, k, s = (bool(bits >> i & 1) for i in range(3))
        name = ''.join(t for t, on in ((', checksum', c), (', key', k), (', sequence', s)) if on)
        found['GRE' + name] = (47, lambda p, c=c, k=k, s=s: gre_header(c, k, s, p.type) + p.data)
        found['GRE, Ethernet' + name] = (47, lambda p, c=c, k=k, s=s: gre_header(
            c, k, s, x('6558')) + ether(p))
    found['GRE, VLAN'] = (47, lambda p: x('0000 6558') + MACS + x('8100 0007') + p.type + p.data)
    found['GRE, MPLS'] = (47, lambda p: x('0000 8847 00064140') + p.data)
    found['GRE, PPP'] = (47, lambda p: x('0000 880b ff03') + p.ppp + p.data)
    for s in (False, True):
        for a in (False, True):
            found['PPTP' + ', sequence' * s + ', acknowledgement' * a] = (
                47, lambda p, s=s, a=a: pptp(p, s, a))
    found['ERSPAN I'] = (47, lambda p: x('0000 88be') + ether(p))
    found['ERSPAN II'] = (47, lambda p: x('1000 88be 00000005 1007 0001 00000001') + ether(p))
    found['ERSPAN III'] = (47, lambda p: x('1000 22eb 00000005 2007 0001 00000000 0000 0000') +
                           ether(p))
    found['ERSPAN III, platform'] = (47, lambda p: x(
        '1000 22eb 00000005 2007 0001 00000000 0000 0001 0000000000000000') + ether(p))
    found['ERSPAN III, IP'] = (47, lambda p: x('1000 22eb 00000005 2007 0001 00000000 0000 0800')
                               + p.data)
    found['GRE, Cisco metadata'] = (47, lambda p: x('0000 8909') + p.type + x('01 01 0001 0064') +
                                    p.data)
    found['GRE, Aruba'] = (47, lambda p: x('0000 8200') + wlan(p, 1))
    found['GRE, Aruba, last'] = (47, lambda p: x('0000 8370') + wlan(p, 0, 1, qos=6))
    found['GRE, Arista'] = (47, lambda p: x('0000 d28b 0007 0001 0001 0002 0003 0000') + ether(p))
    found['GRE, Arista, plan B'] = (47, lambda p: x('0000 d28b 0008 0001 0001 0002') + ether(p))
    found['GRE, Arista, time stamp'] = (47, lambda p: x(
        '0000 d28b 0009 0011 0001 0002 0003 0000 00000001 00000002') + ether(p))
    found['GRE, EoIP'] = (47, lambda p: x('2001 6400') + u16(len(ether(p))) + x('0700') + ether(p))
    for name, wrap in nsh().items():
        found['GRE, ' + name] = (47, lambda p, w=wrap: x('0000 894f') + w(p))
        found[name] = (145, wrap)
    found['WCCP'] = (47, lambda p: b'' if p.v6 else x('0000 883e') + p.data)
    found['WCCP 2, alternative bucket'] = (47, lambda p: b'' if p.v6 else x(
        '0000 883e 60000102') + p.data)
    found['WCCP 2'] = (47, lambda p: b'' if p.v6 else x('0000 883e 00000001') + p.data)
    found['EtherIP'] = (97, lambda p: x('3000') + ether(p))
    found['MPLS'] = (137, lambda p: x('00064140') + p.data)
    found['MPLS, pseudowire'] = (137, lambda p: pf.mpls(x('00000000') + ether(p), [LABEL_CW]))
    found['AH'] = (51, lambda p: bytes([41 if p.v6 else 4]) + x('04 0000 00000001 00000001') +
                   bytes(12) + p.data)
    found['Ethernet'] = (143, ether)
    return found


def l2tp(load: Load, bits: int) -> bytes:
    """RFC 2661 section 3.1. bits: length, sequence, offset, priority."""
    length, sequence, offset, priority = (bool(bits >> i & 1) for i in range(4))
    rest = x('0001 0002') + (x('0005 0004') if sequence else b'') + \
        (x('0006') + bytes(6) if offset else b'') + x('ff03') + load.ppp + load.data
    flags = u16(length << 14 | sequence << 11 | offset << 9 | priority << 8 | 2)
    return flags + (u16(len(rest) + 4) if length else b'') + rest


def gtp_u(load: Load, flags: int, optional: bytes = b'', kind: int = 255) -> bytes:
    """3GPP TS 29.281 section 5.1."""
    return bytes([0x30 | flags, kind]) + u16(len(optional) + len(load.data)) + u32(99) + \
        optional + load.data


def capwap(native: bool, payload: bytes, more: bytes = b'', flags: int = 0, offset: int = 0) -> \
        bytes:
    """RFC 5415 section 4.3; the binding is 802.11."""
    word = (8 + len(more)) // 4 << 19 | 1 << 14 | 1 << 9 | native << 8 | flags
    return u32(word) + u16(1) + u16(offset << 3) + more + payload


def swapped(frame: bytes) -> bytes:
    """As Cisco's controllers send it: the bytes of frame and of sequence control."""
    return frame[1::-1] + frame[2:22] + frame[23:21:-1] + frame[24:]


def in_udp() -> Dict[str, Tuple[int, Wrap]]:
    """Port and datagram."""
    found: Dict[str, Tuple[int, Wrap]] = {
        'VXLAN': (4789, lambda p: x('08000000 00000100') + ether(p)),
        'VXLAN, group policy': (4789, lambda p: x('88000007 00000100') + ether(p)),
        'VXLAN, VLAN': (4789, lambda p: x('08000000 00000100') + MACS + x('8100 0007') + p.type +
                        p.data),
        'VXLAN, port of Linux': (8472, lambda p: x('08000000 00000100') + ether(p)),
        'VXLAN-GPE, IP': (4790, lambda p: (x('0c000002') if p.v6 else x('0c000001')) +
                          x('00000100') + p.data),
        'VXLAN-GPE, Ethernet': (4790, lambda p: x('0c000003 00000100') + ether(p)),
        'VXLAN-GPE, MPLS': (4790, lambda p: x('0c000005 00000100 00064140') + p.data),
        'VXLAN-GPE, none named': (4790, lambda p: x('08000000 00000100') + ether(p)),
        'Geneve, Ethernet': (6081, lambda p: x('0000 6558 00000100') + ether(p)),
        'Geneve, IP': (6081, lambda p: x('0000') + p.type + x('00000100') + p.data),
        'Geneve, options': (6081, lambda p: x('0540 6558 00000100 0102 01 01 00000000 0102 02 02'
                                              '00000000 00000000') + ether(p)),
        'Geneve, most options': (6081, lambda p: x('3f00 6558 00000100') + x(
            '0102 01 1e') + bytes(120) + x('0102 01 1f') + bytes(124) + ether(p)),
        'GTP-U': (2152, lambda p: gtp_u(p, 0)),
        'GTP-U, Ethernet': (2152, lambda p: gtp_u(framed(p), 0)),
        'GTP-U, Ethernet, first nibble 4': (2152, lambda p: gtp_u(framed(p, x('4600 00000001 020000000001')), 0)),
        'GTP-U, Ethernet, first nibble 6': (2152, lambda p: gtp_u(framed(p, x('6a12 3456789a 020000000001')), 0)),
        'GTP-U, Ethernet, first nibble 4, QinQ': (2152, lambda p: gtp_u(framed(p, x(
            '4600 00000001 020000000001 88a8 0007 8100 0008')), 0)),
        'GTP-U, Ethernet, first nibble 4, MPLS': (2152, lambda p: gtp_u(p._replace(data=x(
            '4600 00000001 020000000001 8847') + pf.mpls(p.data, [100, 101])), 0)),
        'GTP-U, Ethernet, first nibble 4, PPPoE': (2152, lambda p: gtp_u(p._replace(data=x(
            '4600 00000001 020000000001 8864 1100 0007') + u16(len(p.data) + 2) + p.ppp + p.data), 0)),
        'GTP-U, sequence': (2152, lambda p: gtp_u(p, 2, x('0005 00 00'))),
        'GTP-U, N-PDU': (2152, lambda p: gtp_u(p, 1, x('0000 07 00'))),
        'GTP-U, no extension': (2152, lambda p: gtp_u(p, 4, x('0000 00 00'))),
        'GTP-U, extension not announced': (2152, lambda p: gtp_u(p, 2, x('0005 00 85'))),
        'GTP-U, extension': (2152, lambda p: gtp_u(p, 4, x('0000 00 85 01 1009 00'))),
        'GTP-U, extensions': (2152, lambda p: gtp_u(p, 7, x(
            '0005 07 85 02 100900000000 40 01 0868 00'))),
        'Teredo': (3544, lambda p: p.data if p.v6 else b''),
        'Teredo, origin': (3544, lambda p: x('0000 0000 00000000') + p.data if p.v6 else b''),
        'Teredo, authentication': (3544, lambda p: x('0001 00 00') + bytes(8) + x('00') + p.data
                                   if p.v6 else b''),
        'Teredo, long authentication': (3544, lambda p: x('0001 03 04 010203 01020304') +
                                        bytes(8) + x('00') + p.data if p.v6 else b''),
        'Teredo, authentication, origin': (3544, lambda p: x('0001 00 00') + bytes(9) +
                                           x('0000 0000 00000000') + p.data if p.v6 else b''),
        'MPLS in UDP': (6635, lambda p: x('00064140') + p.data),
        'MPLS in UDP, trailer': (6635, lambda p: x('00064140') + p.data + bytes(4)),
        'GRE in UDP': (4754, lambda p: x('0000') + p.type + p.data),
        'GRE in UDP, key, Ethernet': (4754, lambda p: x('2000 6558 00000001') + ether(p)),
        'Teredo, trailers': (3544, lambda p: p.data + x('0104 00000001') + x(
            '0308 c0000201 0102 0304') + x('0502 1234') if p.v6 else b''),
        'TZSP': (37008, lambda p: x('01 00 0001 01') + ether(p)),
        'TZSP, tags': (37008, lambda p: x('01 00 0001 0a01c8 00 0d0400000001 01') + ether(p)),
        'TZSP, 802.11': (37008, lambda p: x('01 00 0012 01') + wlan(p, 1)),
        'TZSP, Prism': (37008, lambda p: x('01 00 0077 01') + le32(0x44) + le32(144) +
                        b'wlan0'.ljust(16, b'\0') + bytes(120) + wlan(p, 1)),
        'TZSP, AVS': (37008, lambda p: x('01 00 007f 01') + u32(0x80211001) + u32(64) + bytes(56) +
                      wlan(p, 1)),
        'CAPWAP, 802.3': (5247, lambda p: capwap(False, ether(p))),
        'CAPWAP, 802.11': (5247, lambda p: capwap(True, wlan(p, 1))),
        'CAPWAP, 802.11, swapped': (5247, lambda p: capwap(True, swapped(wlan(p, 1)))),
        'CAPWAP, 802.11, QoS': (5247, lambda p: capwap(True, wlan(p, 1, qos=6))),
        'CAPWAP, 802.11, QoS, swapped': (5247, lambda p: capwap(
            True, swapped(wlan(p, 1, qos=6)))),
        'CAPWAP, 802.11, radio': (5247, lambda p: capwap(
            True, wlan(p, 0, 1), x('04 00000000 000000'), 1 << 5)),
        'CAPWAP, first fragment': (5247, lambda p: capwap(False, ether(p), flags=1 << 7)),
    }
    for name, wrap in nsh().items():
        found['VXLAN-GPE, ' + name] = (4790, lambda p, w=wrap: x('0c000004 00000100') + w(p))
    for bits in range(16):
        name = ''.join(', ' + t for i, t in enumerate(('length', 'sequence', 'offset', 'priority'))
                       if bits >> i & 1)
        found['L2TP' + name] = (1701, lambda p, b=bits: l2tp(p, b))
    return found


def closed() -> Iterator[Tuple[str, int, bytes]]:
    """UDP datagrams of tunnels' ports in which no packet can be read: port and datagram."""
    p = LOAD4
    yield 'VXLAN, no identifier', 4789, x('00000000 00000100') + ether(p)
    yield 'VXLAN, ARP', 4789, x('08000000 00000100') + pf.arp('10.1.1.1', '10.2.2.2')
    yield 'GTP-U, echo', 2152, gtp_u(p, 2, x('0005 00 00'), 1)
    yield 'GTP-U, extension of length 0', 2152, gtp_u(p, 4, x('0000 00 85 00 000000'))
    yield 'L2TP, control', 1701, x('c802') + l2tp(p, 3)[2:]
    yield 'L2TP, version 3', 1701, x('4003') + l2tp(p, 1)[2:]
    yield 'Geneve, version 1', 6081, x('4000 6558 00000100') + ether(p)
    yield 'CAPWAP, encrypted', 5247, x('01000000') + capwap(False, ether(p))
    yield 'CAPWAP, later fragment', 5247, capwap(False, ether(p), flags=3 << 6, offset=100)
    yield 'GRE in UDP, routing', 4754, x('4000 0800 00000000') + p.data
    yield 'GRE in UDP, version 2', 4754, x('0002 0800') + p.data
    # What ports of tunnels carry where a client happened to get one of them.
    yield 'Teredo, BitTorrent', 3544, \
        b'd1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe'.ljust(60, b'e')
    yield 'Teredo, more than trailers', 3544, LOAD6.data + b'1234'
    yield 'TZSP, keep-alive', 37008, x('01 04 0001 01')
    yield 'MPLS in UDP, RTP', 6635, x('80080101 4500a000 12345678') + bytes(range(160))


def carried(load: Load, version: int, proto: int, payload: bytes) -> bytes:
    src, dst = OUTER[version]
    return pf.ip(src, dst, proto, payload)


def udp(version: int, port: int, payload: bytes, back: bool = False) -> Tuple[bytes, Ends]:
    src, dst = OUTER[version]
    sport, dport = (port, 49153) if back else (49153, port)
    return (pf.ip(src, dst, pf.UDP, pf.udp(src, dst, sport, dport, payload)),
            ends_of(src, dst, pf.UDP, sport, dport))


def tunnels() -> Iterator[Made]:
    """In Ethernet, over IPv4 and IPv6."""
    def made(name: str, version: int, packet: bytes, outer: Ends, inner: Ends) -> Made:
        kind = pf.TYPE_IPV6 if version == 6 else pf.TYPE_IPV4
        return Made('%s over IPv%d' % (name, version), 1, pf.ethernet(packet, kind), outer, inner)

    for version, (src, dst) in OUTER.items():
        for load in LOADS:
            proto = 41 if load.v6 else 4
            packet = pf.ip(src, dst, proto, load.data)
            yield made(load.name, version, packet, ends_of(src, dst, proto), load.ends)
            for name, (proto, wrap) in in_ip().items():
                body = wrap(load)
                if not body:
                    continue
                outer = ends_of(src, dst, proto)
                if proto == 51 and version == 6:  # an extension header there
                    outer = ends_of(src, dst, 41 if load.v6 else 4)
                yield made(load.name + ' in ' + name, version, pf.ip(src, dst, proto, body), outer,
                           load.ends)
            for name, (port, wrap) in in_udp().items():
                body = wrap(load)
                if not body:
                    continue
                packet, outer = udp(version, port, body)
                yield made(load.name + ' in ' + name, version, packet, outer, load.ends)
        for name, port, body in closed():
            packet, outer = udp(version, port, body)
            yield made(name, version, packet, outer, outer)
        # AH (RFC 4302) before TCP: no other addresses, but ports.
        segment = pf.tcp(src, dst, 1024, 80)
        body = x('06 04 0000 00000001 00000001') + bytes(12) + segment
        ports = ends_of(src, dst, pf.TCP, 1024, 80)
        yield made('TCP in AH', version, pf.ip(src, dst, 51, body),
                   ports if version == 6 else ends_of(src, dst, 51), ports)
        # An ICMP error quotes a packet; that is no tunnel.
        quoted = LOAD4.data
        proto = 58 if version == 6 else 1
        yield made('ICMP error', version, pf.ip(src, dst, proto, x('0301 0000 00000000') + quoted)
                   if version == 4 else pf.ip(src, dst, 58, x('0100 0000 00000000') + LOAD6.data),
                   ends_of(src, dst, proto), ends_of(src, dst, proto))


def ambiguous() -> Iterator[Made]:
    """Labels do not say what is below them: packets whose addresses look like an EtherType."""
    for src in ('2001:db8:800::1', '2001:db8:86dd::1', '2001:db8:8100::1'):
        load = load_of(src, '2001:db8:2::2', pf.UDP, 33333, 44444)
        yield Made('MPLS, IPv6 from ' + src, 1, MACS + x('8847') + pf.mpls(load.data, [100]),
                   load.ends, load.ends)
    for src in ('2001:db8:8100::1', '2001:db8:88a8:800:4500::', '2001:db8:8847::1',
                '2001:db8:8864::1', '2001:db8:800:4000::1'):
        load = load_of(src, '2001:db8:2::2', pf.UDP, 33333, 44444)
        for text, data in (('trailer', load.data + bytes(4)), ('cut', load.data[:48])):
            yield Made('MPLS, IPv6 from %s, %s' % (src, text), 1,
                       MACS + x('8847') + pf.mpls(data, [100]), load.ends, load.ends)
    for src in ('8.0.0.1', '8.6.0.1', '129.0.1.1', '136.71.1.1'):
        for options in (b'', x('94040000')):
            load = load_of(src, '10.2.2.2', pf.TCP, 11111, 22222, options=options)
            yield Made('MPLS, IPv4%s from %s' % (' with options' if options else '', src), 1,
                       MACS + x('8847') + pf.mpls(load.data, [100]), load.ends, load.ends)


DEPTH_MAX = 16  # a tunnel that carries frames takes two


def nested() -> Iterator[Made]:
    """Tunnels in tunnels: the outermost is numbered from 0, deeper than DEPTH_MAX stays closed."""
    for depth in (2, 3, 5, 8, 15, 16, 17, 20):
        hops = [('10.0.%d.1' % i, '10.0.%d.2' % i) for i in range(depth)]
        for name in ('IPIP', 'GRE'):
            data = LOAD4.data
            for src, dst in reversed(hops):
                data = pf.ipv4(src, dst, 4, data) if name == 'IPIP' else \
                    pf.ipv4(src, dst, 47, x('0000 0800') + data)
            proto = 4 if name == 'IPIP' else 47
            inner = LOAD4.ends if depth <= DEPTH_MAX else ends_of(*hops[DEPTH_MAX], proto)
            yield Made('%s, %d deep' % (name, depth), 1, pf.ethernet(data),
                       ends_of(*hops[0], proto), inner,
                       tuple(ends_of(*hop, proto) for hop in hops[1:]))
    for depth in (2, 3, 8):
        hops = [('10.0.%d.1' % i, '10.0.%d.2' % i) for i in range(depth)]
        frame = ether(LOAD6)
        for src, dst in reversed(hops):
            frame = pf.ethernet(pf.ipv4(src, dst, pf.UDP, pf.udp(
                src, dst, 50000, 4789, x('08000000 00000100') + frame)))
        outside = [ends_of(*hop, pf.UDP, 50000, 4789) for hop in hops]
        yield Made('VXLAN, %d deep' % depth, 1, frame, outside[0], LOAD6.ends,
                   tuple(outside[1:]))
    # As mobile networks have it.
    packet, outer = udp(4, 2152, gtp_u(LOAD4, 0))
    yield Made('GTP-U in a pseudowire', 1, MACS + x('8847') + pf.mpls(
        x('00000000') + pf.ethernet(packet), [LABEL_CW]), outer, LOAD4.ends)


def everything() -> Iterator[Made]:
    for load in LOADS:
        for name, (linktype, wrap) in link_layers().items():
            data = wrap(load)
            if data:
                yield Made('%s in %s' % (load.name, name), linktype, data, load.ends, load.ends)
        for name, frame in shims().items():
            data = frame(load)
            if data:
                yield Made('%s in Ethernet, %s' % (load.name, name), 1, data, load.ends, load.ends)
        for head, (linktype, before, align) in wlan_headers().items():
            if align == 1:
                for name, frame in wlan_frames().items():
                    yield Made('%s in %s, %s' % (load.name, head, name), linktype,
                               before(frame(load)), load.ends, load.ends)
            else:
                for t, f, qos in ((0, 1, None), (1, 1, None), (0, 1, 6), (1, 1, 6)):
                    yield Made('%s in %s, %d%d%s' % (load.name, head, t, f, ' QoS' if qos else ''),
                               linktype, before(wlan(load, t, f, qos, align=align)), load.ends,
                               load.ends)
    for name, linktype, data in opaque():
        yield Made(name, linktype, data, None, None)
    yield from tunnels()
    yield from ambiguous()
    yield from nested()

