# SPDX-License-Identifier: BSD-2-Clause
"""Messages of SIP, RTSP and FTP at random, and what those of others announce, from the RFCs.

Nothing here comes from the program under test.
"""
import ipaddress
import random
from typing import Dict, List, NamedTuple, Sequence, Tuple

OFFERS = {'INVITE', 'ACK', 'PRACK', 'UPDATE'}  # RFC 3261 section 13.2.1, RFC 3262, RFC 3311
COMPACT = {'Call-ID': 'i', 'Content-Type': 'c', 'Content-Length': 'l', 'Via': 'v', 'From': 'f',
           'To': 't'}
DISCARD = 9


class Endpoint(NamedTuple):
    addr: str  # '': that of the one who sent the message
    port: int
    proto: str = 'udp'


def is_nowhere(addr: str) -> bool:
    ip = ipaddress.ip_address(addr)
    return ip.is_unspecified or ip.is_multicast


def address_of(text: str) -> str:
    """'' for a name."""
    try:
        return str(ipaddress.ip_address(text.partition('/')[0]))
    except ValueError:
        return ''


# ---- SDP ----

def proto_of(text: str) -> str:
    first = text.upper()
    if first.startswith('TCP'):
        return 'tcp'
    return 'udp' if first.startswith(('RTP/', 'UDP', 'DTLS/', 'VAT')) else ''


def media_of(lines: Sequence[Tuple[str, str]]) -> List[Endpoint]:
    """What a description announces: its lines of the types c, m and a, in order."""
    session = 'IN IP4 '
    media: List[Dict[str, object]] = []
    for kind, text in lines:
        if kind == 'm':
            media.append({'m': text, 'c': session, 'a': []})
        elif kind == 'c' and media:
            media[-1]['c'] = text
        elif kind == 'c':
            session = text
        elif media:
            media[-1]['a'].append(text)
    found: List[Endpoint] = []
    for medium in media:
        for at in endpoints_of(str(medium['m']), str(medium['c']), list(medium['a'])):
            if at not in found and 0 < at.port < 65536 and not (at.proto == 'tcp' and at.port == DISCARD):
                found.append(at)
    for medium in media:
        port = str(medium['m']).split()[1].partition('/')[0]
        for text in medium['a'] if port != '0' else []:
            words = text.partition(':')[2].split()
            if text.startswith('candidate:') and words[2].lower() == 'udp' and address_of(words[4]):
                at = Endpoint(address_of(words[4]), int(words[5]))
                if at not in found and at.port and not is_nowhere(at.addr):
                    found.append(at)
    return found


def endpoints_of(medium: str, connection: str, attributes: List[str]) -> List[Endpoint]:
    _, ports, proto_text, *_ = medium.split()
    proto = proto_of(proto_text)
    first, _, count = ports.partition('/')
    if not first.isdigit() or first == '0' or not proto or 'setup:active' in attributes:
        return []
    is_rtp = 'RTP' in proto_text.upper().split('/')
    host = (connection.split() + [''])[2] if len(connection.split()) > 2 else ''
    addr = address_of(host)
    at_all = not (addr and is_nowhere(addr)) and not host.endswith('.invalid')
    rtcp = next((a.partition(':')[2].split() for a in attributes if a.startswith('rtcp:')), None)
    found = []
    for i in range(int(count or 1) if at_all else 0):
        port = int(first) + i * (2 if is_rtp else 1)
        found.append(Endpoint(addr, port, proto))
        if is_rtp and rtcp is None and 'rtcp-mux' not in attributes:
            found.append(Endpoint(addr, port + 1, proto))
    if is_rtp and rtcp:
        own = address_of(rtcp[3]) if len(rtcp) > 3 else addr
        if not (own and is_nowhere(own)) and (at_all or len(rtcp) > 3):
            found.append(Endpoint(own, int(rtcp[0]), proto))
    return found


def random_address(rng: random.Random, six: bool) -> str:
    if six:
        return str(ipaddress.ip_address(0x20010db8 << 96 | rng.getrandbits(64)))
    return '192.0.2.%d' % rng.randint(1, 254)


def random_sdp(rng: random.Random) -> bytes:
    def connection() -> str:
        six = rng.random() < 0.3
        addr = rng.choice([random_address(rng, six)] * 6 + ['::' if six else '0.0.0.0', 'a.example.com'])
        return 'c=IN IP%d %s' % (6 if six else 4, addr)
    own = rng.random() < 0.3  # each medium has its own
    lines = ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-'] + ([] if own else [connection()]) + ['t=0 0']
    for _ in range(rng.randint(1, 3)):
        kind, proto = rng.choice([('audio', 'RTP/AVP 0'), ('video', 'RTP/SAVPF 31'), ('image', 'udptl t38'),
                                  ('audio', 'UDP/TLS/RTP/SAVPF 111'), ('image', 'TCP t38')])
        port = rng.choice([0, *(2 * rng.randint(5000, 30000) for _ in range(8))])
        count = '/%d' % rng.randint(1, 4) if rng.random() < 0.2 and 'RTP/AVP' in proto else ''
        lines.append('m=%s %d%s %s' % (kind, port, count, proto))
        if own or rng.random() < 0.2:
            lines.append(connection())
        rtcp = rng.choice(['a=rtcp:%d', 'a=rtcp:%d IN IP4 ' + random_address(rng, False)])
        candidate = 'a=candidate:1 1 UDP 2130706431 %s %%d typ host' % random_address(rng, rng.random() < 0.5)
        lines += [line % rng.randint(1024, 65535) if '%' in line else line
                  for line in (rtcp, 'a=rtcp-mux', 'a=sendrecv', candidate) if rng.random() < 0.2]
    return ''.join(line + '\r\n' for line in lines).encode()


# ---- SIP ----

def random_sip(rng: random.Random) -> bytes:
    method = rng.choice(['INVITE'] * 4 + ['ACK', 'PRACK', 'UPDATE', 'BYE', 'CANCEL', 'OPTIONS'])
    kind, body = 'application/sdp', random_sdp(rng)
    if rng.random() < 0.2:
        kind = 'multipart/mixed;boundary=%s' % rng.choice(['b1', '"b1"'])
        body = b'--b1\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b1\r\nContent-Type: application/sdp\r\n\r\n' + \
            body + b'\r\n--b1--\r\n'
    elif rng.random() < 0.3:
        kind, body = '', b''
    fields = [('Via', 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1'), ('Via', 'SIP/2.0/UDP a.example.com;branch=z9hG4bK2'),
              ('Call-ID', '%x@example.com' % rng.getrandbits(40)), ('CSeq', '%d %s' % (rng.randint(1, 99), method)),
              ('From', '<sip:a@example.com>;tag=1'), ('To', '<sip:b@example.com>'),
              ('Content-Length', str(len(body)))] + ([('Content-Type', kind)] if kind else [])
    rng.shuffle(fields)
    text = rng.choice(['%s sip:b@example.com SIP/2.0' % method,
                       'SIP/2.0 %d Reason' % rng.choice([100, 183, 200, 200, 404, 488])]) + '\r\n'
    for name, value in fields:
        if rng.random() < 0.3 and name in COMPACT:
            name = COMPACT[name]
        name = rng.choice([name, name, name.upper(), name.lower()])
        text += name + rng.choice([': ', ':', ':\r\n ']) + value + '\r\n'  # tshark takes no blank before ":"
    return text.encode() + b'\r\n' + body


# ---- RTSP ----

def random_rtsp(rng: random.Random) -> bytes:
    port, other = 2 * rng.randint(600, 32000), 2 * rng.randint(600, 32000)
    transport = rng.choice(['RTP/AVP;unicast;client_port=%d-%d' % (port, port + 1),
                            'RTP/AVP/UDP;unicast;client_port=%d-%d' % (port, port + 1),
                            'RTP/AVP/TCP;unicast;interleaved=0-1'])
    if rng.random() < 0.5:
        return ('SETUP rtsp://192.0.2.2/1 RTSP/1.0\r\nCSeq: 1\r\nTransport: %s\r\n\r\n' % transport).encode()
    if 'TCP' not in transport:
        transport += ';server_port=%d-%d' % (other, other + 1)
    return ('RTSP/1.0 %s\r\nCSeq: 1\r\nSession: %x%s\r\nTransport: %s\r\n\r\n' % (
        rng.choice(['200 OK', '200 OK', '461 Unsupported Transport']), rng.getrandbits(40),
        rng.choice(['', ';timeout=60']), transport)).encode()


# ---- FTP ----

def random_ftp(rng: random.Random, server: bool) -> bytes:
    four, six = random_address(rng, False), random_address(rng, True)
    port = rng.randint(1, 65535)
    numbers = '%s,%d,%d' % (four.replace('.', ','), port >> 8, port & 255)
    if server:
        return rng.choice(['227 Entering Passive Mode (%s)' % numbers, '227 Entering Passive Mode (%s).' % numbers,
                           '229 Entering Extended Passive Mode (|||%d|)' % port, '220 ready', '150 Opening',
                           '211-Features:', ' MDTM']).encode() + b'\r\n'
    return rng.choice(['PORT ' + numbers, 'EPRT |1|%s|%d|' % (four, port),
                       'EPRT |2|%s|%d|' % (six, port), 'EPSV', 'PASV', 'RETR a,b']).encode() + b'\r\n'
