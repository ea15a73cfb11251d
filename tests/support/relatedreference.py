# SPDX-License-Identifier: BSD-2-Clause
"""Which flow led to which, and what flows are called, worked out slowly: maps of strings.

Of DNS (lookups, the flows that they led to, their names) and of HTTP/1 (Referer and Location), from
the RFCs and the manual, independent of the program's code. Records are taken in the capture's
order, each flow is all of its tuple, and streams of TCP are put together before they are read.
"""
import dataclasses
import ipaddress
import re
import struct
import urllib.parse
from typing import Dict, List, NamedTuple, Optional, Set, Tuple

import dnswire
import pcapfile as pf
from origins import source_is_client

HOUR = 3600 * 10**9
LOOKUP = 10 * 10**9  # questions for one name within it are one lookup
DNS_PORTS = {53, 5353, 5355}  # RFC 1035, RFC 6762, RFC 4795
RESPONSE = b'HTTP/1.'
BEGINNINGS = (RESPONSE, b'GET ', b'HEAD ', b'POST ', b'PUT ', b'DELETE ', b'OPTIONS ', b'PATCH ',
              b'TRACE ')


class End(NamedTuple):
    addr: str
    port: Optional[int]


class Packet(NamedTuple):
    """What counts of a record."""
    ts_ns: int
    proto: int
    src: End
    dst: End
    flags: int = 0
    seq: int = 0
    payload: bytes = b''

    @property
    def tuple(self) -> Tuple:
        return (self.proto, frozenset((self.src, self.dst)))

    @property
    def from_client(self) -> bool:
        ports = {} if self.src.port is None else {'sport': str(self.src.port),
                                                  'dport': str(self.dst.port)}
        return source_is_client({'proto': str(self.proto), 'flags': str(self.flags), **ports})

    @property
    def client_is_told(self) -> bool:
        """By more than which port is the lower one."""
        is_syn = self.proto == pf.TCP and self.flags & pf.SYN
        return bool(is_syn) or self.src.port is None or (self.src.port < 1024) != (self.dst.port < 1024)


def decode(linktype: int, data: bytes, ts_ns: int) -> Optional[Packet]:
    """Of Ethernet with VLANs, and of raw IP; no later fragments. None: no network address."""
    if linktype == pf.LINK_ETHERNET:
        kind, at = struct.unpack_from('!H', data, 12)[0] if len(data) >= 14 else 0, 14
        while kind in (pf.TYPE_VLAN, pf.TYPE_QINQ) and len(data) >= at + 4:
            kind, at = struct.unpack_from('!H', data, at + 2)[0], at + 4
        if kind not in (pf.TYPE_IPV4, pf.TYPE_IPV6):
            return None
        data = data[at:]
    if not data:
        return None
    if data[0] >> 4 == 4 and len(data) >= 20:
        total, proto = struct.unpack_from('!H', data, 2)[0], data[9]
        src, dst, rest = data[12:16], data[16:20], data[(data[0] & 15) * 4:total or None]
        if struct.unpack_from('!H', data, 6)[0] & 0x1fff:
            return None
    elif data[0] >> 4 == 6 and len(data) >= 40:
        total, proto = struct.unpack_from('!H', data, 4)[0], data[6]
        src, dst, rest = data[8:24], data[24:40], data[40:40 + total if total else None]
        while proto in (pf.HOP_BY_HOP, pf.ROUTING, pf.DESTINATION) and len(rest) >= 8:
            proto, rest = rest[0], rest[(rest[1] + 1) * 8:]
    else:
        return None
    addrs = str(ipaddress.ip_address(src)), str(ipaddress.ip_address(dst))
    ports: Tuple[Optional[int], Optional[int]] = (None, None)
    if proto in (pf.TCP, pf.UDP, pf.SCTP, pf.DCCP, pf.UDPLITE) and len(rest) >= 4:
        ports = struct.unpack_from('!HH', rest)
    ends = End(addrs[0], ports[0]), End(addrs[1], ports[1])
    if proto == pf.UDP and len(rest) >= 8:
        length = struct.unpack_from('!H', rest, 4)[0]
        return Packet(ts_ns, proto, *ends, payload=rest[8:length if length > 8 else None])
    if proto == pf.TCP and len(rest) >= 20:
        return Packet(ts_ns, proto, *ends, rest[13], struct.unpack_from('!I', rest, 4)[0],
                      rest[(rest[12] >> 4) * 4:])
    return Packet(ts_ns, proto, *ends)


# ---- streams ----

class Stream:
    """One direction of a connection; its bytes are only ever added to."""

    def __init__(self) -> None:
        self.next: Optional[int] = None
        self.early: Dict[int, bytes] = {}
        self.data = b''
        self.at = 0  # what was read

    def add(self, p: Packet) -> None:
        if p.flags & pf.SYN:
            self.next = (p.seq + 1) % 2**32 if self.next is None else self.next
        seq = (p.seq + bool(p.flags & pf.SYN)) % 2**32
        if not p.payload:
            return
        if self.next is None:
            self.next = seq
        self.early.setdefault(seq, p.payload)
        while True:
            for start, piece in sorted(self.early.items()):
                before = (self.next - start) % 2**32
                if before < 2**31:
                    del self.early[start]
                    new = piece[before:]
                    self.data += new
                    self.next = (self.next + len(new)) % 2**32
                    break
            else:
                return

    @property
    def unread(self) -> bytes:
        return self.data[self.at:]


# ---- URLs ----

def without_dots(path: str) -> str:
    """RFC 3986 section 5.2.4."""
    out: List[str] = []
    segments = path.split('/')
    for i, segment in enumerate(segments):
        if segment == '..' and len(out) > 1:
            out.pop()
        if segment in ('.', '..'):
            if i == len(segments) - 1:
                out.append('')
        else:
            out.append(segment)
    return '/'.join(out) if out else '/'


def normal(url: str) -> Optional[str]:
    """Scheme and host in lower case, without the default port, user and fragment."""
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in ('http', 'https') or not parts.hostname:
        return None
    host = '[%s]' % parts.hostname if ':' in parts.hostname else parts.hostname
    if port is not None and port != {'http': 80, 'https': 443}[parts.scheme.lower()]:
        host += ':%d' % port
    path = without_dots(parts.path or '/')
    query = '?' + parts.query if parts.query else ''
    return '%s://%s%s%s' % (parts.scheme.lower(), host.lower(), path, query)


def resolved(base: Optional[str], reference: str) -> Optional[str]:
    return normal(urllib.parse.urljoin(base, reference) if base else reference)


# ---- HTTP/1 (RFC 9112) ----

class Head(NamedTuple):
    line: List[bytes]
    fields: Dict[bytes, bytes]
    end: int


def read_head(data: bytes) -> Optional[Head]:
    end = data.find(b'\r\n\r\n')
    if end < 0:
        return None
    lines = data[:end].split(b'\r\n')
    fields: Dict[bytes, bytes] = {}
    for line in lines[1:]:
        name, _, value = line.partition(b':')
        fields.setdefault(name.strip().lower(), value.strip())
    return Head(lines[0].split(b' ', 2), fields, end + 4)


class Talk:
    """What goes on in one connection of HTTP."""

    def __init__(self) -> None:
        self.requests: List[Tuple[bytes, Optional[str]]] = []  # method, URL
        self.answered = 0
        self.left: Dict[End, Optional[int]] = {}  # bytes of a body; -1: chunks; None: to the end


def host_name(text: str) -> Optional[str]:
    """A host's name; a literal address is none."""
    name = text.lower().rstrip('.') if not text.endswith('..') else ''
    labels = name.split('.')
    if len(name) > 253 or not all(re.fullmatch('[a-z0-9_-]{1,63}', label) for label in labels):
        return None
    return None if labels[-1].isdigit() else name


# ---- relations ----

class Answer(NamedTuple):
    """An address was given to a client."""
    serial: int
    ts_ns: int
    flow: int
    lookup: int
    name: str


class Page(NamedTuple):
    ts_ns: int
    flow: int


@dataclasses.dataclass
class Lookup:
    flow: int
    number: int  # within its flow
    name: str


@dataclasses.dataclass
class Flow:
    first_ns: int
    master: Optional[int] = None
    relation: str = ''
    lag_ns: int = 0
    lookup: Optional[int] = None  # that led to it
    name: str = ''
    name_from: str = ''
    asks: bool = False  # or answers: it is one of DNS
    n_lookups: int = 0  # that began in it
    looked_up: Set[int] = dataclasses.field(default_factory=set)
    fixed: bool = False  # something was announced: a master would come too late
    streams: Dict[End, Stream] = dataclasses.field(default_factory=dict)
    talk: Talk = dataclasses.field(default_factory=Talk)


class Relations:
    """Takes packets one after another; flows are numbered as they appear."""

    def __init__(self, kinds: Set[str], dns_window_ns: int = HOUR, http_window_ns: int = HOUR
                 ) -> None:
        self.kinds = kinds
        self.dns_window, self.http_window = dns_window_ns, http_window_ns
        self.numbers: Dict[Tuple, int] = {}
        self.flows: Dict[int, Flow] = {}
        self.lookups: List[Lookup] = []
        self.answers: Dict[Tuple[Optional[str], str], Answer] = {}
        self.transactions: Dict[Tuple, Tuple[int, int]] = {}  # time, lookup
        self.by_name: Dict[Tuple, Tuple[int, int]] = {}
        self.pages: Dict[Tuple[str, str], Page] = {}
        self.redirects: Dict[Tuple[str, str], Page] = {}
        self.serial = 0
        self.of_records: List[Tuple[int, Optional[int]]] = []  # flow, and lookup of the message

    def take(self, p: Packet) -> None:
        n = self.numbers.setdefault(p.tuple, len(self.numbers) + 1)
        if n not in self.flows:
            self.flows[n] = Flow(p.ts_ns)
            self.begin(n, p)
        self.of_records.append((n, None))
        ports = {p.src.port, p.dst.port}
        if p.proto == pf.UDP and ports & DNS_PORTS:
            self.dns(n, p, p.payload)
        if p.proto == pf.TCP:
            stream = self.flows[n].streams.setdefault(p.src, Stream())
            stream.add(p)
            if ports & DNS_PORTS:
                self.dns_stream(n, p, stream)
            else:
                self.http_stream(n, p, stream)

    def begin(self, n: int, p: Packet) -> None:
        ends = [(p.src, p.dst)] if p.from_client else [(p.dst, p.src)]
        if not p.client_is_told:
            ends = [(p.src, p.dst), (p.dst, p.src)]
        known = [answer for client, server in ends for answer in (
            self.answers.get((client.addr, server.addr)),
            self.asked_for(client.addr, self.answers.get((None, server.addr)), p.ts_ns)) if answer]
        newest = max(known, key=lambda a: a.serial, default=None)
        if newest is None or p.ts_ns - newest.ts_ns > self.dns_window:
            return
        flow = self.flows[n]
        flow.name, flow.name_from = newest.name, 'dns'
        if 'dns' in self.kinds and newest.flow != n:
            self.follow(n, newest.flow, 'dns', newest.ts_ns, newest.lookup)

    def asked_for(self, client: str, told: Optional[Answer], now: int) -> Optional[Answer]:
        """What all were told, as the answer to the client's own question."""
        asked = self.by_name.get((client, told.name)) if told else None
        if told is None or asked is None or now - asked[0] > self.dns_window:
            return None
        return told._replace(flow=self.lookups[asked[1]].flow, lookup=asked[1])

    def follow(self, n: int, master: int, relation: str, ts_ns: int, lookup: Optional[int]) -> None:
        flow = self.flows[n]
        flow.master, flow.relation, flow.lookup = master, relation, lookup
        flow.lag_ns = flow.first_ns - ts_ns

    # ---- DNS ----

    def dns_stream(self, n: int, p: Packet, stream: Stream) -> None:
        while len(stream.unread) >= 2:
            length = struct.unpack_from('!H', stream.unread)[0]
            if len(stream.unread) < 2 + length:
                return
            message = stream.unread[2:2 + length]
            stream.at += 2 + length
            self.dns(n, p, message)

    def dns(self, n: int, p: Packet, data: bytes) -> None:
        try:
            m = dnswire.parse(data)
        except dnswire.Broken:
            return
        questions, answers = dnswire.meaning(m)
        if not questions:
            return
        names = [dnswire.text_of(q.name) for q in questions]
        server = (p.src if m.response else p.dst).addr
        client = (p.dst if m.response else p.src).addr  # or all who hear it
        lookup = self.lookup_of(n, p.ts_ns, m, client, server, names[0])
        self.of_records[-1] = n, lookup
        flow = self.flows[n]
        flow.looked_up.add(lookup)
        # A flow of one lookup is called like that; of several, no name is its own.
        alone = len(flow.looked_up) == 1
        flow.name, flow.name_from = (names[0], 'dns') if alone else ('', '')
        said_to = None if ipaddress.ip_address(client).is_multicast else client
        for a in answers:
            self.serial += 1
            self.answers[said_to, a.addr] = Answer(self.serial, p.ts_ns, n, lookup,
                                                   names[a.question])

    def lookup_of(self, n: int, ts_ns: int, m: dnswire.Message, client: str, server: str,
                  name: str) -> int:
        flow, one = self.flows[n], (client, server, m.ident, name)
        flow.fixed = flow.asks = True
        known = self.transactions.get(one)
        if known and ts_ns - known[0] <= (self.dns_window if m.response else LOOKUP):
            return known[1]
        known = self.by_name.get((client, name))
        if known and ts_ns - known[0] <= LOOKUP:
            lookup = known[1]
        else:
            lookup = len(self.lookups)
            flow.n_lookups += 1
            self.lookups.append(Lookup(n, flow.n_lookups, name))
            self.by_name[client, name] = ts_ns, lookup
        self.transactions[one] = ts_ns, lookup
        return lookup

    # ---- HTTP ----

    def http_stream(self, n: int, p: Packet, stream: Stream) -> None:
        talk = self.flows[n].talk
        while stream.unread:
            left = talk.left.get(p.src, 0)
            if left is None:
                stream.at = len(stream.data)
                return
            if left == -1:
                if not self.skip_chunk(talk, p.src, stream):
                    return
                continue
            if left > 0:
                some = min(left, len(stream.unread))
                stream.at += some
                talk.left[p.src] = left - some
                continue
            begins = [b for b in BEGINNINGS if stream.unread[:len(b)] == b[:len(stream.unread)]]
            if not begins:
                talk.left[p.src] = None
                return
            is_request = begins[0] != RESPONSE
            head = read_head(stream.unread)
            if not head:
                return
            stream.at += head.end
            if is_request:
                self.request(n, p, head)
                talk.left[p.src] = self.body(head)
            else:
                self.response(n, p, head)

    @staticmethod
    def body(head: Head) -> int:
        if head.fields.get(b'transfer-encoding', b'').lower().endswith(b'chunked'):
            return -1
        length = head.fields.get(b'content-length', b'0')
        return int(length) if length.isdigit() else 0

    @staticmethod
    def skip_chunk(talk: Talk, end: End, stream: Stream) -> bool:
        line, found, _ = stream.unread.partition(b'\r\n')
        if not found:
            return False
        try:
            size = int(line.split(b';')[0], 16)
        except ValueError:
            talk.left[end] = None
            return True
        whole = len(line) + 2 + size + 2
        if len(stream.unread) < whole:
            return False
        stream.at += whole
        if size == 0:
            talk.left[end] = 0
        return True

    def request(self, n: int, p: Packet, head: Head) -> None:
        flow = self.flows[n]
        host = head.fields.get(b'host', b'').decode('latin-1')
        name = host_name(host.partition(':')[0])
        if name and flow.name_from != 'http':
            flow.name, flow.name_from = name, 'http'
        target = head.line[1].decode('latin-1')
        url = normal(target if '://' in target.split('?')[0] else 'http://' + host + target)
        flow.talk.requests.append((head.line[0], url))
        if url is None or 'http' not in self.kinds:
            return
        client = p.src.addr
        referer = normal(head.fields.get(b'referer', b'').decode('latin-1'))
        if not flow.fixed:
            sent = self.redirects.get((client, url))
            page = self.pages.get((client, referer)) if referer else None
            for found in (sent, page):
                if found and found.flow != n and p.ts_ns - found.ts_ns <= self.http_window:
                    self.follow(n, found.flow, 'http', found.ts_ns, None)
                    break
        self.pages[client, url] = Page(p.ts_ns, n)
        flow.fixed = True

    def response(self, n: int, p: Packet, head: Head) -> None:
        flow = self.flows[n]
        talk, status = flow.talk, int(head.line[1])
        asked = talk.requests[talk.answered] if talk.answered < len(talk.requests) else (b'', None)
        location = head.fields.get(b'location')
        if location and (status == 201 or 300 <= status < 400) and 'http' in self.kinds:
            url = resolved(asked[1], location.decode('latin-1'))
            if url:
                self.redirects[p.dst.addr, url] = Page(p.ts_ns, n)
                flow.fixed = True
        if status < 200:
            return
        talk.answered += 1
        no_body = asked[0] == b'HEAD' or status in (204, 304)
        has_length = b'content-length' in head.fields or b'transfer-encoding' in head.fields
        talk.left[p.src] = 0 if no_body else self.body(head) if has_length else None

    # ---- what comes of it ----

    def root(self, n: int) -> Tuple[int, Optional[int]]:
        """The flow that led to all this, and its lookup. Of DNS each lookup is a root."""
        flow = self.flows[n]
        if flow.asks or flow.master is None:
            return n, None
        if flow.lookup is not None:
            return self.lookups[flow.lookup].flow, flow.lookup
        return self.root(flow.master)

    def groups(self) -> List[Tuple[int, Optional[int]]]:
        """The root of each record's group.

        A message of DNS is its lookup's. What else its flow has (a handshake, what cannot be read)
        is of the lookup before it, and before all of them of the first.
        """
        last: Dict[int, int] = {}
        first: Dict[int, int] = {}
        for n, lookup in self.of_records:
            if lookup is not None:
                first.setdefault(n, lookup)
        out = []
        for n, lookup in self.of_records:
            if n not in first:
                out.append(self.root(n))
                continue
            if lookup is not None:
                last[n] = lookup
            lookup = last.get(n, first[n])
            out.append((self.lookups[lookup].flow, lookup))
        return out

    def group_row(self, root: int, lookup: Optional[int]) -> Dict[str, str]:
        """Of the output of a group."""
        led = sum(self.root(n) == (root, lookup) for n in self.flows if n != root)
        flow = self.flows[root]
        if lookup is None:
            return {'group': str(root), 'lookup': '', 'led': str(led), 'name': flow.name,
                    'name_from': flow.name_from}
        found = self.lookups[lookup]
        return {'group': str(root), 'lookup': str(found.number), 'led': str(led),
                'name': found.name, 'name_from': 'dns'}

    def row(self, n: int) -> Dict[str, str]:
        flow = self.flows[n]
        root, lookup = self.root(n)
        whole, part = divmod(abs(flow.lag_ns), 10**9)
        has = flow.master is not None
        return {
            'master': str(flow.master) if has else '', 'relation': flow.relation if has else '',
            'lag': '%s%d.%09d' % ('-' if flow.lag_ns < 0 else '', whole, part) if has else '',
            'group': str(root),
            'lookup': str(self.lookups[lookup].number) if lookup is not None else '',
            'name': flow.name, 'name_from': flow.name_from,
        }
