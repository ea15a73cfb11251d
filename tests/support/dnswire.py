# SPDX-License-Identifier: BSD-2-Clause
"""DNS messages, read and written in plain Python from the RFCs, and the addresses in answers.

Names are tuples of labels in lower case, as bytes: what stands in a label is nobody's business
here. Nothing here comes from the program under test.
"""
import dataclasses
import ipaddress
import random
import struct
from typing import Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

A, NS, CNAME, MX, TXT, AAAA, SRV, OPT, SVCB, HTTPS = 1, 2, 5, 15, 16, 28, 33, 41, 64, 65
IXFR, AXFR = 251, 252
LEADS = {CNAME: 0, MX: 2, SRV: 6, SVCB: 2, HTTPS: 2}  # to a name, after so many bytes
IN = 1
QUERY, UPDATE = 0, 5
OPCODES = {0, 1, 2, 4, 5, 6}  # IANA: those that are assigned

Name = Tuple[bytes, ...]
HOST = set(b'abcdefghijklmnopqrstuvwxyz0123456789-_')


class Broken(Exception):
    """The bytes are no DNS message."""


@dataclasses.dataclass(frozen=True)
class Record:
    """target: the name that it leads to; addrs: of A and AAAA, and hints."""
    owner: Name
    kind: int
    klass: int = IN
    ttl: int = 60
    target: Optional[Name] = None
    addrs: Tuple[str, ...] = ()
    data: bytes = b''  # what else there is


class Question(NamedTuple):
    name: Name
    kind: int
    klass: int = IN


@dataclasses.dataclass
class Message:
    ident: int = 0
    response: bool = False
    opcode: int = 0
    rcode: int = 0
    n_questions: int = 0  # as the header says
    questions: List[Question] = dataclasses.field(default_factory=list)
    answers: List[Record] = dataclasses.field(default_factory=list)
    authority: List[Record] = dataclasses.field(default_factory=list)
    additional: List[Record] = dataclasses.field(default_factory=list)


def name_of(text: str) -> Name:
    return tuple(label.encode() for label in text.lower().split('.')) if text != '.' else ()


def text_of(name: Name) -> str:
    """RFC 1035 section 5.1: an octet that no host name has is a backslash and three digits."""
    return '.'.join(''.join(chr(c) if c in HOST else '\\%03d' % c for c in label)
                    for label in name) or '.'


# ---- reading ----

def read_name(data: bytes, at: int) -> Tuple[Name, int]:
    """RFC 1035 section 4.1.4. A pointer is to a place before the labels that it ends."""
    labels: List[bytes] = []
    begin, end, octets = at, None, 1
    while True:
        if at >= len(data):
            raise Broken('a name does not end')
        n = data[at]
        if n == 0:
            return tuple(labels), at + 1 if end is None else end
        if n >= 0xc0:
            if at + 2 > len(data):
                raise Broken('half a pointer')
            to = struct.unpack_from('!H', data, at)[0] & 0x3fff
            if not 12 <= to < begin:
                raise Broken('a pointer that does not lead back')
            end = at + 2 if end is None else end
            begin = at = to
            continue
        octets += n + 1
        if n > 63 or at + 1 + n > len(data) or octets > 255:
            raise Broken('a label')
        labels.append(data[at + 1:at + 1 + n].lower())
        at += 1 + n


def read_hints(params: bytes) -> Tuple[str, ...]:
    """RFC 9460 section 2.2: none, unless all is as it should be."""
    addrs: List[str] = []
    last = -1
    while params:
        if len(params) < 4:
            return ()
        key, n = struct.unpack_from('!HH', params)
        value, params = params[4:4 + n], params[4 + n:]
        if key <= last or len(value) < n:
            return ()
        last = key
        size = {4: 4, 6: 16}.get(key)
        if size:
            if n == 0 or n % size:
                return ()
            addrs += [str(ipaddress.ip_address(value[i:i + size])) for i in range(0, n, size)]
    return tuple(addrs)


def read_data(data: bytes, at: int, n: int, owner: Name, kind: int) -> Tuple[
        Optional[Name], Tuple[str, ...]]:
    """What a record leads to, and its addresses."""
    whole, rdata = data[:at + n], data[at:at + n]
    if kind in (A, AAAA):
        return None, (str(ipaddress.ip_address(rdata)),) if n == {A: 4, AAAA: 16}[kind] else ()
    if kind not in LEADS:
        return None, ()
    before = LEADS[kind]
    if n <= before:
        return None, ()
    try:
        if kind in (SVCB, HTTPS):  # names are not compressed
            target, end = read_name(bytes(12) + rdata[before:], 12)
            plain = sum(len(label) + 1 for label in target) + 1
            if end != 12 + plain:
                return None, ()
            if rdata[:2] == b'\0\0':
                return target or None, ()
            return target or owner, read_hints(rdata[before + plain:])
        target, end = read_name(whole, at + before)
    except Broken:
        return None, ()
    return (target if end == at + n else None), ()


def read_section(data: bytes, at: int, n: int) -> Tuple[List[Record], Optional[int]]:
    """None instead of where it ends: the message ends first. A broken owner counts for nothing."""
    records = []
    for _ in range(n):
        begin = at
        while at < len(data) and 0 < data[at] < 0x40 and at - begin < 255:
            at += data[at] + 1
        if at >= len(data) or 0x40 <= data[at] < 0xc0 or at - begin >= 255:
            return records, None
        at += 1 if data[at] == 0 else 2
        if at + 10 > len(data):
            return records, None
        kind, klass, ttl, length = struct.unpack_from('!HHIH', data, at)
        at += 10
        if at + length > len(data):
            return records, None
        try:
            owner, _ = read_name(data, begin)
            target, addrs = read_data(data, at, length, owner, kind)
            records.append(Record(owner, kind, klass & 0x7fff, ttl, target, addrs))
        except Broken:
            pass
        at += length
    return records, at


def parse(data: bytes) -> Message:
    if len(data) < 12:
        raise Broken('no header')
    ident, flags, n_questions, *counts = struct.unpack('!6H', data[:12])
    m = Message(ident, bool(flags & 0x8000), flags >> 11 & 15, flags & 15, n_questions)
    if m.opcode not in OPCODES:
        raise Broken('opcode')
    at: Optional[int] = 12
    for _ in range(n_questions):
        name, end = read_name(data, at)
        if end + 4 > len(data):
            raise Broken('half a question')
        kind, klass = struct.unpack_from('!HH', data, end)
        m.questions.append(Question(name, kind, klass & 0x7fff))
        at = end + 4
    m.answers, at = read_section(data, at, counts[0])
    if at is not None:
        m.authority, at = read_section(data, at, counts[1])
    if at is not None:
        m.additional, at = read_section(data, at, counts[2])
    return m


# ---- what it means ----

class Answer(NamedTuple):
    addr: str
    question: int


def asked_by(m: Message, question: Question) -> Tuple[Set[Name], Set[Name]]:
    """The names that a question is about: itself and those led to; and the latter alone."""
    names, led = {question.name}, set()
    if question.kind in (AXFR, IXFR):
        return set(), set()
    while True:
        new = {r.target for r in m.answers if r.target is not None and r.klass == IN and
               r.kind in LEADS and r.owner in names}
        new |= {r.target for r in m.additional if r.target is not None and r.klass == IN and
                r.kind in LEADS and r.owner in led}
        if new <= led:
            return names, led
        names |= new
        led |= new


def meaning(m: Message) -> Tuple[List[Question], List[Answer]]:
    """The questions, and the addresses that answer them, in the message's order.

    The additional section answers only where an answer leads to it (RFC 1035 section 3.3.9, RFC
    2782, RFC 9460 section 4.2): glue is for resolvers. Without questions, as in multicast DNS (RFC
    6762 section 6), owners stand for them, and a TTL of 0 takes a record back (section 10.1).
    """
    questions = list(m.questions)
    if not m.response or m.opcode != QUERY:
        return questions, []
    out: List[Answer] = []
    known = [asked_by(m, q) for q in questions]
    for section, which in ((m.answers, 0), (m.additional, 1)):
        for r in section:
            if r.klass != IN or not r.addrs:
                continue
            if m.n_questions:
                mine = [i for i, names in enumerate(known) if r.owner in names[which]]
                mine.sort(key=lambda i: questions[i].kind != r.kind)
            else:
                if r.ttl == 0:
                    continue
                if r.owner not in [q.name for q in questions]:
                    questions.append(Question(r.owner, r.kind))
                mine = [[q.name for q in questions].index(r.owner)]
            out += [Answer(addr, mine[0]) for addr in r.addrs if mine]
    return questions, out


# ---- writing ----

class Writer:
    """A message under way; with rng names are compressed here and there, and cases are mixed."""

    def __init__(self, rng: Optional[random.Random] = None) -> None:
        self.out = bytearray()
        self.rng = rng
        self.places: Dict[Name, List[int]] = {}

    def name(self, name: Name, compress: bool = True) -> None:
        rng = self.rng
        for i, label in enumerate(name):
            rest = name[i:]
            if compress and rest in self.places and (not rng or rng.random() < 0.8):
                to = rng.choice(self.places[rest]) if rng else self.places[rest][0]
                self.out += struct.pack('!H', 0xc000 | to)
                return
            if len(self.out) < 0x4000:
                self.places.setdefault(rest, []).append(len(self.out))
            if rng and rng.random() < 0.2:
                label = label.upper()
            self.out += bytes([len(label)]) + label
        self.out.append(0)

    def question(self, q: Question) -> None:
        self.name(q.name)
        self.out += struct.pack('!HH', q.kind, q.klass)

    def record(self, r: Record) -> None:
        self.name(r.owner)
        self.out += struct.pack('!HHI', r.kind, r.klass, r.ttl)
        at = len(self.out)
        self.out += bytes(2) + r.data
        if r.kind in (A, AAAA):
            self.out += ipaddress.ip_address(r.addrs[0]).packed
        elif r.target is not None:
            self.name(() if r.kind in (SVCB, HTTPS) and r.target == r.owner and
                      r.data != b'\0\0' else r.target, r.kind not in (SVCB, HTTPS))
            if r.addrs:
                self.hints(r.addrs)
        struct.pack_into('!H', self.out, at, len(self.out) - at - 2)

    def hints(self, addrs: Sequence[str]) -> None:
        for key, version in ((4, 4), (6, 6)):
            packed = b''.join(a.packed for a in map(ipaddress.ip_address, addrs)
                              if a.version == version)
            if packed:
                self.out += struct.pack('!HH', key, len(packed)) + packed


def write(m: Message, rng: Optional[random.Random] = None) -> bytes:
    w = Writer(rng)
    flags = m.response << 15 | m.opcode << 11 | 0x100 | m.rcode
    w.out += struct.pack('!6H', m.ident, flags, len(m.questions), len(m.answers), len(m.authority),
                         len(m.additional))
    for q in m.questions:
        w.question(q)
    for r in m.answers + m.authority + m.additional:
        w.record(r)
    return bytes(w.out)


# ---- making them up ----

def random_addr(rng: random.Random, version: int) -> str:
    return '198.18.%d.%d' % (rng.randrange(256), rng.randrange(256)) if version == 4 else \
        '2001:db8::%x:%x' % (rng.randrange(1, 65536), rng.randrange(1, 65536))


def random_record(rng: random.Random, owner: Name, kind: int, names: Sequence[Name]) -> Record:
    more: dict = {}
    if kind in (A, AAAA):
        more['addrs'] = (random_addr(rng, 4 if kind == A else 6),)
    elif kind in LEADS:
        more['target'] = rng.choice(names)
        more['data'] = rng.randbytes(LEADS[kind])
        if kind in (SVCB, HTTPS):
            alias = rng.random() < 0.3
            more['data'] = struct.pack('!H', 0 if alias else rng.randrange(1, 9))
            if not alias:
                more['target'] = rng.choice((owner, more['target']))
                more['addrs'] = tuple(random_addr(rng, v) for v in (4, 6)
                                      for _ in range(rng.randrange(3)))
    else:
        more['data'] = rng.randbytes(rng.randrange(20))
    klass = IN if rng.random() < 0.97 else 3
    return Record(owner, kind, klass, rng.choice((0, 60, 60, 3600)), **more)


def random_message(rng: random.Random) -> Message:
    """Sound ones, with chains in any order, and records that have nothing to do with them."""
    names = [name_of('%s%d.%s' % (rng.choice(('n', 'www', '_sip._udp', 'x-')), i,
                                  rng.choice(('b', 'example.com', 'local')))) for i in range(6)]
    m = Message(rng.randrange(65536), rng.random() < 0.9, rng.choice((0,) * 9 + (4,)),
                rng.choice((0, 0, 0, 3)))
    kinds = [A] * 4 + [AAAA] * 3 + [CNAME] * 5 + [HTTPS, HTTPS, SVCB, SRV, MX]
    for _ in range(rng.choice((0, 1, 1, 1, 1, 2, 3))):
        m.questions.append(Question(rng.choice(names), rng.choice((A, A, AAAA, HTTPS, SRV, MX))))
    m.n_questions = len(m.questions)
    for section, most in ((m.answers, 10), (m.authority, 3), (m.additional, 6)):
        for _ in range(rng.randrange(most)):
            section.append(random_record(rng, rng.choice(names), rng.choice(kinds), names))
    return m
