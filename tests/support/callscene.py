# SPDX-License-Identifier: BSD-2-Clause
"""Sessions of FTP, SIP, RTSP and TFTP with the flows that they lead to, side by side at random.

Nothing here comes from the program under test.
"""
import random
import struct
from typing import Callable, Dict, Iterator, List, Set, Tuple

import pcapfile as pf

SIDE_BY_SIDE = 8  # sessions
HOSTS = 6  # of clients, and of servers

Endpoint = Tuple[str, int]
Flow = Tuple[str, Endpoint, Endpoint]


def flow_of(proto: str, a: Endpoint, b: Endpoint) -> Flow:
    first, second = sorted((a, b))
    return proto, first, second


class Scene:
    """What is free, the numbers of bytes that were sent, and what led to what."""

    def __init__(self, rng: random.Random, hard: bool) -> None:
        self.rng = rng
        self.hard = hard  # what tshark does not follow: translators of addresses, calls that are over
        self.truth: Dict[Flow, Tuple[str, Flow]] = {}
        self.flows: Set[Flow] = set()
        self.free = list(range(30000, 30400, 2))
        self.next_port = 40000
        self.sent: Dict[Tuple[Endpoint, Endpoint], int] = {}

    def maybe(self) -> bool:
        return self.hard and self.rng.random() < 0.3

    def led(self, relation: str, master: Flow, flow: Flow) -> None:
        """The flow, if it is a new one, begins because of its master."""
        if flow not in self.flows:
            self.flows.add(flow)
            self.truth[flow] = relation, master

    def hosts(self) -> Tuple[str, str]:
        form = '2001:db8::%d:%d' if self.rng.random() < 0.3 else '198.51.100.%d%d'
        return form % (1, self.rng.randint(1, HOSTS)), form % (2, self.rng.randint(1, HOSTS))

    def port(self) -> int:
        """One that nothing else has, ever."""
        self.next_port += 1
        return self.next_port

    def pair(self) -> int:
        """An even one of two that no session has, at present."""
        return self.free.pop(self.rng.randrange(len(self.free)))

    def tcp(self, a: Endpoint, b: Endpoint, payload: bytes = b'', flags: int = pf.ACK) -> bytes:
        seq = self.sent.setdefault((a, b), 1000)
        self.flows.add(flow_of('tcp', a, b))
        self.sent[a, b] += len(payload) + bool(flags & (pf.SYN | pf.FIN))
        return pf.frame(a[0], b[0], pf.TCP, pf.tcp(a[0], b[0], a[1], b[1], flags, payload, seq=seq,
                                                   ack=self.sent.get((b, a), 0)))

    def connect(self, a: Endpoint, b: Endpoint) -> Iterator[bytes]:
        yield self.tcp(a, b, flags=pf.SYN)
        yield self.tcp(b, a, flags=pf.SYN | pf.ACK)
        yield self.tcp(a, b)


    def say(self, a: Endpoint, b: Endpoint, payload: bytes) -> Iterator[bytes]:
        """In segments, which may come twice, or in another order."""
        cuts = [self.rng.randrange(len(payload)) for _ in range(3)] if self.maybe() else []
        ends = sorted({*cuts, len(payload)} - {0})
        segments = [self.tcp(a, b, payload[begin:end]) for begin, end in zip([0, *ends], ends)]
        if self.maybe():
            segments.append(self.rng.choice(segments))
        if self.maybe():
            self.rng.shuffle(segments)
        yield from segments

    def udp(self, a: Endpoint, b: Endpoint, payload: bytes) -> bytes:
        self.flows.add(flow_of('udp', a, b))
        return pf.frame(a[0], b[0], pf.UDP, pf.udp(a[0], b[0], a[1], b[1], payload))


def numbers(host: str, port: int) -> str:
    return '%s,%d,%d' % (host.replace('.', ','), port >> 8, port & 255)


def ftp(scene: Scene) -> Iterator[bytes]:
    client, server = scene.hosts()
    a, b = (client, scene.port()), (server, 21)
    four = '.' in client

    def ask(text: str) -> Iterator[bytes]:
        return scene.say(a, b, text.encode() + b'\r\n')

    def reply(text: str) -> Iterator[bytes]:
        return scene.say(b, a, text.encode() + b'\r\n')
    yield from scene.connect(a, b)
    yield from reply('220 ready')
    yield from ask('USER anonymous')
    yield from reply('230-Hello\r\n 227 is a number\r\n230 logged in')
    sealed = scene.maybe()
    if sealed:
        yield from ask('AUTH TLS')
        yield from reply('234 go ahead')
    for _ in range(scene.rng.randint(1, 3)):
        mode = scene.rng.choice((['PASV', 'PORT'] if four else []) + ['EPSV', 'EPRT'])
        port = scene.port()
        if sealed:  # nobody can know
            yield scene.tcp(a, b, b'\x17\3\3\0\x20' + bytes(32))
            yield scene.tcp(b, a, b'\x17\3\3\0\x20' + bytes(32))
            yield from scene.connect((client, scene.port()), (server, port))
            continue
        if mode in ('PASV', 'EPSV'):
            own = scene.rng.choice(['10.0.0.9', '0.0.0.0', '192.168.1.1']) if scene.maybe() else server
            yield from ask(mode)
            yield from reply('227 Entering Passive Mode (%s)' % numbers(own, port) if mode == 'PASV'
                             else '229 Entering Extended Passive Mode (|||%d|)' % port)
            x, y = (client, scene.port()), (server, port)
        else:
            yield from ask('PORT ' + numbers(client, port) if mode == 'PORT'
                           else 'EPRT |%d|%s|%d|' % (1 if four else 2, client, port))
            yield from reply('200 ok')
            x, y = (server, 20), (client, port)
        yield from ask('RETR file')
        scene.led('ftp', flow_of('tcp', a, b), flow_of('tcp', x, y))
        yield from scene.connect(x, y)
        yield from reply('150 here it comes')
        source, target = (y, x) if y[0] == server else (x, y)
        yield scene.tcp(source, target, b'data ' * 20)
        yield scene.tcp(source, target, flags=pf.FIN | pf.ACK)
        yield from reply('226 done')
    if not sealed:
        yield from ask('QUIT')


def rtp(n: int) -> bytes:
    return struct.pack('!BBHII', 0x80, 0, n, 160 * n, 7) + bytes(160)


def rtcp() -> bytes:
    """RFC 3550 section 6.4.2: a receiver's report on nothing, and who sends it."""
    return struct.pack('!BBHI', 0x80, 201, 1, 7) + struct.pack('!BBHIBB', 0x81, 202, 2, 7, 1, 1) + b'x\0'


def media(scene: Scene, relation: str, master: Flow, a: Endpoint, b: Endpoint) -> Iterator[bytes]:
    scene.led(relation, master, flow_of('udp', a, b))
    for n in range(scene.rng.randint(2, 5)):
        yield scene.udp(a, b, rtp(n))
        yield scene.udp(b, a, rtp(n))
    if scene.rng.random() < 0.7:
        a, b = (a[0], a[1] + 1), (b[0], b[1] + 1)
        scene.led(relation, master, flow_of('udp', a, b))
        yield scene.udp(a, b, rtcp())


def sip(scene: Scene) -> Iterator[bytes]:
    caller, callee = scene.hosts()
    by_tcp = scene.rng.random() < 0.3
    a, b = (caller, scene.port() if by_tcp else 5060), (callee, 5060)
    call_id = '%x@%s' % (scene.rng.getrandbits(40), 'example.com')
    ports = [scene.pair(), scene.pair()]

    def message(start: str, cseq: str, sdp: bytes) -> bytes:
        return ('%s\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: %s\r\n'
                'CSeq: %s\r\n%sContent-Length: %d\r\n\r\n' % (
                    start, 'TCP' if by_tcp else 'UDP', 'a.example.com', call_id, cseq,
                    'Content-Type: application/sdp\r\n' if sdp else '', len(sdp))).encode() + sdp

    def send(x: Endpoint, y: Endpoint, start: str, cseq: str, sdp: bytes = b'') -> Iterator[bytes]:
        text = message(start, cseq, sdp)
        return scene.say(x, y, text) if by_tcp else iter([scene.udp(x, y, text)])

    def sdp(host: str, port: int) -> bytes:
        family = 6 if ':' in host else 4
        return ('v=0\r\no=- 1 1 IN IP%d %s\r\ns=-\r\nc=IN IP%d %s\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\n' % (
            family, host, family, host, port)).encode()

    def fax(host: str, port: int) -> bytes:
        return sdp(host, 0) + b'm=image %d udptl t38\r\na=T38FaxVersion:0\r\n' % port
    if by_tcp:
        yield from scene.connect(a, b)
    if by_tcp and scene.maybe():  # longer than any reader would hold, and about another call
        inner = message('INVITE sip:e@f SIP/2.0', '1 INVITE', sdp(caller, ports[0])) * 120
        head = ('MESSAGE sip:c@d SIP/2.0\r\nCall-ID: other\r\nCSeq: 1 MESSAGE\r\nContent-Type: message/sip\r\n'
                'Content-Length: %d\r\n\r\n' % len(inner)).encode()
        for at in range(0, len(head + inner), 1400):
            yield scene.tcp(a, b, (head + inner)[at:at + 1400])
        yield scene.udp(('203.0.113.1', scene.port()), (caller, ports[0]), rtp(1)) if '.' in caller else scene.tcp(b, a)
    inside = '10.0.0.9' if scene.maybe() else caller  # a translator of addresses stands between
    yield from send(a, b, 'INVITE sip:c@d SIP/2.0', '1 INVITE', sdp(inside, ports[0]))
    yield from send(b, a, 'SIP/2.0 180 Ringing', '1 INVITE')
    yield from send(b, a, 'SIP/2.0 200 OK', '1 INVITE', sdp(callee, ports[1]))
    yield from send(a, b, 'ACK sip:c@d SIP/2.0', '1 ACK')
    own = flow_of('tcp' if by_tcp else 'udp', a, b)
    yield from media(scene, 'sip', own, (caller, ports[0]), (callee, ports[1]))
    if scene.maybe():  # a fax, at ports of its own
        ports += scene.pair(), scene.pair()
        yield from send(a, b, 'INVITE sip:c@d SIP/2.0', '3 INVITE', fax(caller, ports[2]))
        yield from send(b, a, 'SIP/2.0 200 OK', '3 INVITE', fax(callee, ports[3]))
        scene.led('sip', own, flow_of('udp', (callee, ports[3]), (caller, ports[2])))
        yield scene.udp((callee, ports[3]), (caller, ports[2]), b'\0\0\1\2\0\0')
    yield from send(a, b, 'BYE sip:c@d SIP/2.0', '2 BYE')
    yield from send(b, a, 'SIP/2.0 200 OK', '2 BYE')
    if scene.maybe():  # the call is over: this is another's
        yield scene.udp(('203.0.113.1', scene.port()), ('203.0.113.2' if ':' in callee else callee, ports[1]), rtp(1))
    scene.free += ports


def rtsp(scene: Scene) -> Iterator[bytes]:
    client, server = scene.hosts()
    a, b = (client, scene.port()), (server, 554)
    ports = scene.pair(), scene.pair()
    transport = 'Transport: RTP/AVP;unicast;client_port=%d-%d' % (ports[0], ports[0] + 1)
    yield from scene.connect(a, b)
    if scene.maybe():  # within the connection, frames among messages
        text = b'CSeq: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n'
        yield from scene.say(a, b, b'SETUP rtsp://a/2 RTSP/1.0\r\n' + text)
        yield from scene.say(b, a, b'RTSP/1.0 200 OK\r\nSession: 1\r\n' + text)
        yield from scene.say(b, a, b''.join(b'$\0' + struct.pack('!H', n) + bytes(n) for n in (172, 9000, 172)))
    yield from scene.say(a, b, ('SETUP rtsp://a/1 RTSP/1.0\r\nCSeq: 1\r\n%s\r\n\r\n' % transport).encode())
    session = '%x' % scene.rng.getrandbits(40)
    yield from scene.say(b, a, ('RTSP/1.0 200 OK\r\nCSeq: 1\r\nSession: %s;timeout=60\r\n'
                                '%s;server_port=%d-%d\r\n\r\n' % (
                                    session, transport, ports[1], ports[1] + 1)).encode())
    yield from media(scene, 'rtsp', flow_of('tcp', a, b), (server, ports[1]), (client, ports[0]))
    yield from scene.say(a, b, ('TEARDOWN rtsp://a/1 RTSP/1.0\r\nCSeq: 2\r\nSession: %s\r\n\r\n' % session).encode())
    scene.free += ports


def tftp(scene: Scene) -> Iterator[bytes]:
    client, server = scene.hosts()
    a, b = (client, scene.port()), (server, scene.port())
    yield scene.udp(a, (server, 69), b'\0\1file\0octet\0')
    scene.led('tftp', flow_of('udp', a, (server, 69)), flow_of('udp', a, b))
    yield scene.udp(b, a, b'\0\3\0\1' + bytes(100))
    yield scene.udp(a, b, b'\0\4\0\1')


SESSIONS: List[Callable[[Scene], Iterator[bytes]]] = [ftp, sip, rtsp, tftp]


def random_scene(rng: random.Random, n: int, hard: bool) -> Tuple[List[bytes], Dict[Flow, Tuple[str, Flow]]]:
    """The frames of n sessions; relation and master of each flow that has them."""
    scene = Scene(rng, hard)
    frames: List[bytes] = []
    going: List[Iterator[bytes]] = []
    while n or going:
        if n and len(going) < SIDE_BY_SIDE:
            going.append(rng.choice(SESSIONS)(scene))
            n -= 1
            continue
        session = rng.choice(going)
        try:
            frames.append(next(session))
        except StopIteration:
            going.remove(session)
    return frames, scene.truth
