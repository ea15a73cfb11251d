# SPDX-License-Identifier: BSD-2-Clause
"""Small captures with names, built in code. As a program: samples.py NAME FILE saves one."""
import os
import struct
import sys
from typing import Callable, Dict, List, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import pcapfile as pf

CLIENT, SERVER, RESOLVER = '192.168.1.10', '203.0.113.80', '192.168.1.1'
CLIENT6, SERVER6 = '2001:db8::10', '2001:db8:80::1'
NOON = 1500033600 * 10**9  # 2017-07-14 12:00:00 UTC


def tcp_talk(a: str, b: str, sport: int, dport: int, payload: bytes = b'hello') -> List[bytes]:
    """A connection from the first SYN to the last ACK."""
    def one(forth: bool, flags: int, data: bytes = b'') -> bytes:
        src, dst, sp, dp = (a, b, sport, dport) if forth else (b, a, dport, sport)
        return pf.frame(src, dst, pf.TCP, pf.tcp(src, dst, sp, dp, flags, data))
    return [one(True, pf.SYN), one(False, pf.SYN | pf.ACK), one(True, pf.ACK),
            one(True, pf.PSH | pf.ACK, payload), one(False, pf.ACK),
            one(False, pf.FIN | pf.ACK), one(True, pf.FIN | pf.ACK), one(False, pf.ACK)]


def udp_talk(a: str, b: str, sport: int, dport: int, vlans=()) -> List[bytes]:
    return [pf.frame(a, b, pf.UDP, pf.udp(a, b, sport, dport, b'question'), vlans=vlans),
            pf.frame(b, a, pf.UDP, pf.udp(b, a, dport, sport, b'the answer'), vlans=vlans)]


def mixed() -> pf.Capture:
    """Two connections, lookups, an echo, what has no address; interleaved."""
    frames = [pf.arp(CLIENT, RESOLVER)]
    frames += udp_talk(CLIENT, RESOLVER, 5353, 53)
    first = tcp_talk(CLIENT, SERVER, 50000, 443)
    second = tcp_talk(CLIENT6, SERVER6, 50001, 80, b'GET / HTTP/1.1\r\n\r\n')
    frames += [frame for pair in zip(first, second) for frame in pair]
    frames += [pf.frame(CLIENT, SERVER, pf.ICMP, pf.icmp(8)),
               pf.frame(SERVER, CLIENT, pf.ICMP, pf.icmp(0))]
    frames += udp_talk(CLIENT, RESOLVER, 5353, 53, vlans=[7])
    frames.append(pf.ethernet(b'\x42\x42\x03' + bytes(35), 38))
    return pf.Capture(pf.Format(), pf.at_times(frames, NOON, 1234567))


def fragmented() -> pf.Capture:
    """Datagrams in fragments of both families, one of them from back to front."""
    frames: List[bytes] = []
    for a, b, kind in ((CLIENT, SERVER, pf.TYPE_IPV4), (CLIENT6, SERVER6, pf.TYPE_IPV6)):
        datagram = pf.udp(a, b, 7000, 7001, bytes(range(200)))
        parts = [pf.ethernet(p, kind) for p in pf.fragments(a, b, pf.UDP, datagram, 64, 77)]
        frames += parts + parts[::-1]
        frames.append(pf.frame(b, a, pf.UDP, pf.udp(b, a, 7001, 7000, b'whole')))
    return pf.Capture(pf.Format(), pf.at_times(frames, NOON))


def extensions() -> pf.Capture:
    """IPv6 with extension headers before TCP, and one cut short inside them."""
    frames = []
    for kinds in ((), (pf.HOP_BY_HOP,), (pf.ROUTING, pf.DESTINATION), (pf.AH,)):
        frames.append(pf.frame(CLIENT6, SERVER6, pf.TCP,
                               pf.tcp(CLIENT6, SERVER6, 1234, 80, pf.SYN), extensions=kinds))
    packets = pf.at_times(frames, NOON)
    packets.append(pf.Packet(frames[2][:14 + 40 + 4], NOON + 10**9, len(frames[2])))
    return pf.Capture(pf.Format(), packets)


def snapped() -> pf.Capture:
    """Captured with 36 bytes per packet: addresses, and not always ports."""
    frames = tcp_talk(CLIENT, SERVER, 50000, 443) + tcp_talk(CLIENT6, SERVER6, 50001, 80)
    return pf.Capture(pf.Format(), pf.at_times(frames, NOON)).cut(36)


def tags() -> pf.Capture:
    """One pair of hosts below VLAN tags, labels and PPPoE."""
    question = pf.ip(CLIENT, SERVER, pf.UDP, pf.udp(CLIENT, SERVER, 9, 9, b'x'))
    frames = [pf.ethernet(question), pf.ethernet(question, vlans=[1]),
              pf.ethernet(question, vlans=[(pf.TYPE_QINQ, 2), 1]),
              pf.ethernet(question, vlans=[(0x9100, 2), 1]),
              pf.ethernet(pf.mpls(question, [100, 200]), pf.TYPE_MPLS),
              pf.ethernet(pf.pppoe(question), pf.TYPE_PPPOE), pf.snap(question)]
    return pf.Capture(pf.Format(), pf.at_times(frames, NOON))


def tunnels() -> pf.Capture:
    """Tunnels stay closed: the outer addresses make the flow."""
    inner = pf.ip('10.1.1.1', '10.2.2.2', pf.UDP, pf.udp('10.1.1.1', '10.2.2.2', 1, 2, b'inner'))
    inside = pf.ethernet(inner)
    frames = [pf.frame(CLIENT, SERVER, 4, inner),
              pf.frame(CLIENT, SERVER, pf.GRE, struct.pack('!HH', 0, pf.TYPE_IPV4) + inner),
              pf.frame(CLIENT, SERVER, pf.UDP, pf.udp(
                  CLIENT, SERVER, 33333, 4789, bytes.fromhex('0800000000000100') + inside)),
              pf.frame(SERVER, CLIENT, pf.ICMP, pf.icmp(3, 3, payload=inner[:28])),
              pf.frame(CLIENT6, SERVER6, 4, inner)]
    return pf.Capture(pf.Format(), pf.at_times(frames, NOON))


def on_raw(linktype: int) -> Callable[[], pf.Capture]:
    def build() -> pf.Capture:
        return pf.Capture(pf.Format(linktype=linktype),
                          [pf.Packet(p.data[14:], p.ts_ns) for p in mixed().packets
                           if p.data[12:14] in (b'\x08\0', b'\x86\xdd')])
    return build


def cooked() -> pf.Capture:
    packets = [pf.Packet(pf.sll(p.data[14:], struct.unpack('!H', p.data[12:14])[0]), p.ts_ns)
               for p in mixed().packets]
    return pf.Capture(pf.Format(linktype=pf.LINK_SLL), packets)


def unknown_link() -> pf.Capture:
    return mixed().as_format(linktype=pf.LINK_USER0)


def no_records() -> pf.Capture:
    return pf.Capture(pf.Format(), [])


def dns(ident: int, name: str, addr: str = '') -> bytes:
    """A question for a name's address, or the answer to it (RFC 1035 section 4.1)."""
    kind = 28 if ':' in addr else 1
    labels = b''.join(bytes([len(part)]) + part.encode() for part in name.split('.')) + b'\0'
    head = struct.pack('>6H', ident, 0x8180 if addr else 0x0100, 1, 1 if addr else 0, 0, 0)
    question = labels + struct.pack('>2H', kind, 1)
    data = pf.address(addr) if addr else b''
    answer = b'\xc0\x0c' + struct.pack('>2HIH', kind, 1, 60, len(data)) + data if addr else b''
    return head + question + answer


def said(a: str, b: str, sport: int, dport: int, *turns: Tuple[bool, bytes]) -> List[bytes]:
    """A connection in which each turn is what one end says, the first if it is true."""
    ends, seq = {True: (a, b, sport, dport), False: (b, a, dport, sport)}, {True: 100, False: 900}

    def one(forth: bool, flags: int, data: bytes = b'') -> bytes:
        src, dst, sp, dp = ends[forth]
        ack = 0 if flags == pf.SYN else seq[not forth]
        segment = pf.tcp(src, dst, sp, dp, flags, data, seq=seq[forth], ack=ack)
        seq[forth] += len(data) + (flags & pf.SYN != 0)
        return pf.frame(src, dst, pf.TCP, segment)
    return [one(True, pf.SYN), one(False, pf.SYN | pf.ACK)] + [
        one(forth, pf.PSH | pf.ACK, data) for forth, data in turns]


def related() -> pf.Capture:
    """Two lookups, a question cut short, a page, a request that it led to, a file by FTP, an error."""
    def udp(a: str, b: str, sport: int, dport: int, payload: bytes) -> bytes:
        return pf.frame(a, b, pf.UDP, pf.udp(a, b, sport, dport, payload))
    other = '203.0.113.81'
    get = b'GET /%s HTTP/1.1\r\nHost: www.example.com\r\n%s\r\n'
    frames = [udp(CLIENT, RESOLVER, 40000, 53, dns(1, 'www.example.com')),
              udp(RESOLVER, CLIENT, 53, 40000, dns(1, 'www.example.com', SERVER)),
              udp(CLIENT, RESOLVER, 40000, 53, dns(2, 'files.example.com')),
              udp(RESOLVER, CLIENT, 53, 40000, dns(2, 'files.example.com', other))]
    frames.append(udp(CLIENT, RESOLVER, 40000, 53, dns(3, 'www.example.com')[:20]))
    frames += said(CLIENT, SERVER, 50000, 80, (True, get % (b'', b'')))
    frames += said(CLIENT, SERVER, 50001, 80, (True, get % (
        b'style.css', b'Referer: http://www.example.com/\r\n')))
    frames += said(CLIENT, other, 50002, 21, (False, b'220 ready\r\n'), (True, b'PASV\r\n'),
                   (False, b'227 Entering Passive Mode (203,0,113,81,200,1)\r\n'))
    frames += said(CLIENT, other, 50003, 51201, (False, b'x'))
    last = pf.ip(CLIENT, other, pf.UDP, pf.udp(CLIENT, other, 50004, 9, b'y'))
    frames += [pf.ethernet(last), pf.frame(other, CLIENT, pf.ICMP, pf.icmp(3, 3, payload=last))]
    return pf.Capture(pf.Format(), pf.at_times(frames, NOON, 10**6))


def four_flows() -> pf.Capture:
    """Four packets, four flows."""
    frames = [pf.frame(CLIENT, '10.0.0.%d' % i, pf.UDP, pf.udp(CLIENT, '10.0.0.%d' % i, 1, 2))
              for i in range(1, 5)]
    return pf.Capture(pf.Format(), pf.at_times(frames, NOON))


SAMPLES: Dict[str, Callable[[], pf.Capture]] = {
    'mixed': mixed,
    'mixed-big': lambda: mixed().as_format(big_endian=True),
    'mixed-ns': lambda: mixed().as_format(kind='ns'),
    'mixed-ns-big': lambda: mixed().as_format(kind='ns', big_endian=True),
    'mixed-modified': lambda: mixed().as_format(kind='modified'),
    'mixed-modified-big': lambda: mixed().as_format(kind='modified', big_endian=True),
    'mixed-fcs': lambda: mixed().as_format(fcs=4, snaplen=96),
    'fragmented': fragmented,
    'extensions': extensions,
    'snapped': snapped,
    'tags': tags,
    'tunnels': tunnels,
    'raw': on_raw(pf.LINK_RAW),
    'cooked': cooked,
    'unknown-link': unknown_link,
    'unnamed-link': lambda: mixed().as_format(linktype=65000),
    **{'raw-%d' % link: on_raw(link) for link in (12, 14, 101)},
    'no-records': no_records,
    'four-flows': four_flows,
    'related': related,
}


if __name__ == '__main__':
    with open(sys.argv[2], 'wb') as out:
        out.write(SAMPLES[sys.argv[1]]().encode())
