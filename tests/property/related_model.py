# SPDX-License-Identifier: BSD-2-Clause
"""Columns for relations and names of flows, held against a slow model of DNS and HTTP.

Captures are made up (support/relatedreference.py has the model), or of the field. The model knows
no TLS, QUIC and SIP: a name that is from there is not compared.
"""
import collections
import csv
import itertools
import os
import random
import struct
import sys
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import dnswire
import harness
import pcapfile as pf
import relatedreference
from harness import check, check_equal
from reference import time_text

SECOND = 10**9
START = 1700000000 * SECOND
COLUMNS = ('master', 'relation', 'lag', 'group', 'lookup', 'name', 'name_from')
GROUP_COLUMNS = ('group', 'lookup', 'led', 'name', 'name_from')
KNOBS = ([], ['--threads', '3', '--window', '64K', '--memory', '2M'], ['--threads', '1'])

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


# ---- traffic ----

class Sent(NamedTuple):
    """A payload, or a part of a connection, that is sent at a time."""
    ts_ns: int
    order: int
    frame: bytes


class Traffic:
    """Clients that look names up, connect to what they found, and load pages."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.sent: List[Sent] = []
        self.order = itertools.count()
        self.ports: Dict[str, Iterator[int]] = collections.defaultdict(
            lambda: itertools.count(49152))
        self.hosts = ['h%d.example' % i for i in range(6)] + ['www.h0.example', 'cdn.example']
        self.addrs = {host: ['198.18.0.%d' % rng.randrange(1, 7), '198.18.1.%d' % i]
                      for i, host in enumerate(self.hosts)}
        self.clients = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '2001:db8::1']
        self.six = {host: '2001:db8:1::%x' % i for i, host in enumerate(self.hosts, 1)}
        self.stub = {client: next(self.ports[client]) for client in self.clients}

    def put(self, ts_ns: int, src: str, dst: str, proto: int, segment: bytes) -> None:
        self.sent.append(Sent(ts_ns, next(self.order), pf.frame(src, dst, proto, segment)))

    def soon(self, most_s: float) -> int:
        """Some time, in whole microseconds."""
        return int(self.rng.random() * most_s * 10**6) * 1000

    def udp(self, ts_ns: int, src: str, sport: int, dst: str, dport: int, payload: bytes) -> None:
        self.put(ts_ns, src, dst, pf.UDP, pf.udp(src, dst, sport, dport, payload))

    def lookup(self, ts_ns: int, client: str, host: str) -> int:
        """A and AAAA, from one socket or two, or the only one that there is. Gives when it ends."""
        rng = self.rng
        server = rng.choice(('2001:db8::53',) if ':' in client else ('10.0.0.53', '10.0.0.54'))
        ports = [self.stub[client]] if rng.random() < 0.4 else \
            [next(self.ports[client]) for _ in range(rng.choice((1, 1, 2)))]
        end = ts_ns
        for kind, port in zip((dnswire.A, dnswire.AAAA), ports * 2):
            m = dnswire.Message(rng.randrange(65536), False, 0, 0, 1,
                                [dnswire.Question(dnswire.name_of(host), kind)])
            at = ts_ns + self.soon(0.01)
            for _ in range(rng.choice((1, 1, 1, 2, 3))):  # it is asked again
                self.udp(at, client, port, server, 53, dnswire.write(m, rng))
                at += rng.choice((1, 5, 15)) * SECOND if rng.random() < 0.2 else self.soon(0.1)
            m.response = True
            if rng.random() < 0.9:
                m.answers, m.additional = self.records(host, kind)
            at += self.soon(0.05)
            if rng.random() < 0.95:
                self.udp(at, server, 53, client, port, dnswire.write(m, rng))
            end = max(end, at)
        return end

    def addr(self, client: str, host: str) -> str:
        """One that the client can speak to."""
        return self.six[host] if ':' in client else self.rng.choice(self.addrs[host])

    def lookup_stream(self, ts_ns: int, client: str, host: str) -> int:
        """Over TCP, where messages follow their lengths (RFC 1035 section 4.2.2)."""
        rng = self.rng
        m = dnswire.Message(rng.randrange(65536), False, 0, 0, 1,
                            [dnswire.Question(dnswire.name_of(host), dnswire.A)])
        query = dnswire.write(m, rng)
        m.response = True
        m.answers, m.additional = self.records(host, dnswire.AAAA if ':' in client else dnswire.A)
        response = dnswire.write(m, rng)
        server = '2001:db8::53' if ':' in client else '10.0.0.53'
        return self.connect(ts_ns, client, server, [(True, struct.pack('!H', len(query)) + query), (
            False, struct.pack('!H', len(response)) + response)] * rng.choice((1, 2)), 53)

    def records(self, host: str, kind: int) -> Tuple[List[dnswire.Record], List[dnswire.Record]]:
        rng, owner = self.rng, dnswire.name_of(host)
        answers = []
        for i in range(rng.choice((0, 0, 1, 3))):
            alias = dnswire.name_of('alias%d.%s' % (i, host))
            answers.append(dnswire.Record(owner, dnswire.CNAME, target=alias))
            owner = alias
        if kind == dnswire.A:
            answers += [dnswire.Record(owner, kind, addrs=(addr,)) for addr in self.addrs[host]]
        else:
            answers.append(dnswire.Record(owner, kind, addrs=(self.six[host],)))
        if rng.random() < 0.2:
            answers.append(dnswire.Record(owner, dnswire.HTTPS, target=owner, data=b'\0\1',
                                          addrs=(self.addrs[host][0], self.six[host])))
        rng.shuffle(answers)
        glue = [dnswire.Record(dnswire.name_of('ns.' + host), dnswire.A, addrs=('198.18.1.1',))]
        return answers, glue if rng.random() < 0.3 else []

    def announce(self, ts_ns: int) -> None:
        """Multicast DNS, which a client may have asked for."""
        host = self.rng.choice(self.hosts)
        if self.rng.random() < 0.5:
            asked = dnswire.Message(0, n_questions=1, questions=[dnswire.Question(dnswire.name_of(host), dnswire.A)])
            self.udp(ts_ns, self.rng.choice(self.clients), 5353, '224.0.0.251', 5353,
                     dnswire.write(asked))
            ts_ns += self.soon(0.1)
        m = dnswire.Message(0, True, answers=[dnswire.Record(
            dnswire.name_of(host), dnswire.A, ttl=self.rng.choice((0, 120, 120)), addrs=(addr,))
            for addr in self.addrs[host]])
        self.udp(ts_ns, self.rng.choice(self.clients[:3]), 5353, '224.0.0.251', 5353,
                 dnswire.write(m))

    def connect(self, ts_ns: int, client: str, addr: str, talk: Sequence[Tuple[bool, bytes]],
                port: int = 80) -> int:
        """A connection of TCP with what both say, the client where True."""
        rng, sport = self.rng, next(self.ports[client])
        at, seq = ts_ns, {True: rng.randrange(2**32), False: rng.randrange(2**32)}
        wild = rng.random() < 0.2  # the client's segments overtake one another
        n_forth = 0  # of them since the server spoke last

        def segment(forth: bool, flags: int, payload: bytes = b'') -> None:
            nonlocal n_forth
            n_forth = n_forth + 1 if forth else 0
            ends = (client, addr) if forth else (addr, client)
            ports = (sport, port) if forth else (port, sport)
            self.put(at, *ends, pf.TCP, pf.tcp(*ends, *ports, flags, payload, seq[forth],
                                               seq[not forth]))
        for forth, flags in ((True, pf.SYN), (False, pf.SYN | pf.ACK)):
            segment(forth, flags)
            seq[forth] = (seq[forth] + 1) % 2**32
            at += self.soon(0.001)
        segment(True, pf.ACK)
        for forth, said in talk:
            while said:
                n = rng.choice((len(said), rng.randrange(1, len(said) + 1)))
                at += self.soon(0.01)
                segment(forth, pf.ACK | pf.PSH, said[:n])
                if rng.random() < 0.1:  # it is sent again, and sometimes more of it
                    segment(forth, pf.ACK | pf.PSH, said[:n + rng.choice((0, 0, 5))])
                if wild and n_forth > 1 and rng.random() < 0.5:
                    a, b = self.sent[-2:]
                    self.sent[-2:] = [a._replace(frame=b.frame), b._replace(frame=a.frame)]
                seq[forth] = (seq[forth] + n) % 2**32
                said = said[n:]
        return at

    def flow(self, ts_ns: int, client: str, addr: str) -> None:
        """Something that says nothing of HTTP."""
        rng = self.rng
        if rng.random() < 0.5:
            self.udp(ts_ns, client, next(self.ports[client]), addr, rng.choice((123, 4500, 6000)),
                     bytes(8))
        elif rng.random() < 0.8:
            self.connect(ts_ns, client, addr, (), rng.choice((22, 443, 8080)))
        else:  # the server is heard first
            self.udp(ts_ns, addr, 123, client, next(self.ports[client]), bytes(8))

    # ---- pages ----

    def request(self, url: str, referer: Optional[str]) -> bytes:
        rng = self.rng
        host, path = url[len('http://'):].split('/', 1)
        absolute = rng.random() < 0.1
        method = rng.choice((b'GET', b'GET', b'GET', b'HEAD', b'POST'))
        lines = [b'%s %s HTTP/1.1' % (method, (url if absolute else '/' + path).encode())]
        name = rng.choice((host, host, host.upper(), host + ':80', host + '.'))
        fields = [b'%s:%s%s' % (rng.choice((b'Host', b'host')), rng.choice((b' ', b'', b'\t ')),
                                name.encode()), b'Accept: */*']
        if referer and rng.random() < 0.1:
            host, path = referer[len('http://'):].split('/', 1)
            referer = 'HTTP://user@%s:80/x/../%s' % (host.upper(), path)
        if referer:
            fields.append(b'Referer: ' + (referer + rng.choice(('', '', '#part'))).encode())
        body = b''
        if method == b'POST':
            body = bytes(rng.randrange(40))
            fields.append(b'Content-Length: %d' % len(body))
        rng.shuffle(fields)
        return b'\r\n'.join(lines + fields) + b'\r\n\r\n' + body

    def response(self, request: bytes, url: str) -> Tuple[bytes, Optional[str]]:
        """And where it sends its client."""
        rng = self.rng
        is_head = request.startswith(b'HEAD')
        if rng.random() < 0.25:
            to = self.url()
            same = to.split('/')[2] == url.split('/')[2]
            there = '/' + to.split('/', 3)[3] if same and rng.random() < 0.7 else to
            return b'HTTP/1.1 %d Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n' % (
                rng.choice((201, 301, 302, 307)), there.encode()), to
        body = b'x' * rng.randrange(300)
        if rng.random() < 0.3:
            chunks = b'%x\r\n%s\r\n0\r\n\r\n' % (len(body), body) if body else b'0\r\n\r\n'
            head = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
            return head + (b'' if is_head else chunks), None
        head = b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % len(body)
        return head + (b'' if is_head else body), None

    def url(self) -> str:
        rng = self.rng
        return 'http://%s/%s' % (rng.choice(self.hosts), rng.choice(('', 'a', 'b/c', 'd?e=f')))

    def page(self, ts_ns: int, client: str) -> int:
        """Requests, each of which may lead to more, on new connections or the same one."""
        rng, referer, url, at = self.rng, None, self.url(), ts_ns
        for _ in range(rng.randrange(1, 5)):
            talk: List[Tuple[bool, bytes]] = []
            host = url.split('/')[2]
            for _ in range(rng.choice((1, 1, 2, 3))):
                request = self.request(url, referer)
                response, to = self.response(request, url)
                talk += [(True, request), (False, response)]
                following = to or self.url()
                if rng.random() < 0.7:
                    referer = url
                url = following
                if url.split('/')[2] != host:
                    break
            at = self.connect(at, client, self.addr(client, host), talk) + self.soon(2)
            if rng.random() < 0.1:
                at += rng.choice((59, 61, 3000)) * SECOND
        return at

    def capture(self) -> bytes:
        self.sent.sort(key=lambda s: s[:2])
        if self.rng.random() < 0.2:  # a capture that is not quite in order of time
            for _ in range(len(self.sent) // 10):
                i = self.rng.randrange(len(self.sent) - 1)
                self.sent[i], self.sent[i + 1] = self.sent[i + 1], self.sent[i]
        return pf.Capture(pf.Format(), [pf.Packet(s.frame, s.ts_ns) for s in self.sent]).encode()


def made(rng: random.Random, events: int) -> bytes:
    t = Traffic(rng)
    at = START
    for _ in range(events):
        client = rng.choice(t.clients)
        host = rng.choice(t.hosts)
        at += t.soon(3) if rng.random() < 0.97 else rng.choice((55, 65, 3599, 3601)) * SECOND
        kind = rng.random()
        if kind < 0.35:
            end = (t.lookup if rng.random() < 0.85 else t.lookup_stream)(at, client, host)
            if rng.random() < 0.7:
                t.flow(end + t.soon(1), client, t.addr(client, host))
        elif kind < 0.6:
            t.flow(at, client, t.addr(client, host))
        elif kind < 0.65:
            t.announce(at)
        else:
            t.page(at, client)
    return t.capture()


# ---- what is compared ----

def modelled(packets: Sequence[relatedreference.Packet], kinds: str, dns_window: int,
             http_window: int) -> relatedreference.Relations:
    r = relatedreference.Relations(set(kinds.split(',')), dns_window * SECOND, http_window * SECOND)
    for p in packets:
        r.take(p)
    return r


def packets_of(path: str) -> List[relatedreference.Packet]:
    saved = pf.read(path)
    found = (relatedreference.decode(saved.format.linktype, r.data, r.ts_ns) for r in saved.records)
    return [p for p in found if p]


def rows_of(path: str, *flags: str, status: Optional[int] = 0) -> List[Dict[str, str]]:
    out = suite.path('out')
    suite.run_cleave('split', path, '-q', '--output', out, '--force',
                     *flags, status=status)
    with open(os.path.join(out, 'manifest.csv'), newline='', encoding='utf-8') as f:
        return list(csv.DictReader(f))


def compare(path: str, kinds: str, dns_window: int, http_window: int) -> Dict[str, int]:
    """How many rows have each column."""
    flags = ['--related', kinds, '--names', '--dns-window', '%ds' % dns_window]
    if {'http', 'all'} & set(kinds.split(',')):
        flags += ['--http-window', '%ds' % http_window]
    rows = rows_of(path, *flags, status=None)
    model = modelled(packets_of(path), kinds, dns_window, http_window)
    counts: Dict[str, int] = collections.Counter()
    faults = []
    for row in rows:
        if not row['flow'] or row['proto'] not in ('tcp', 'udp'):
            continue
        ends = [relatedreference.End(row[end], int(row[port])) for end, port in (
            ('src', 'sport'), ('dst', 'dport')) if row[port]]
        proto = {'tcp': pf.TCP, 'udp': pf.UDP}[row['proto']]
        n = model.numbers.get((proto, frozenset(ends)))
        if n is None:
            continue
        check_equal(int(row['flow']), n, 'the number of flow %s' % ends)
        want = model.row(n)
        skipped = ('name', 'name_from') if row['name_from'] in ('sni', 'quic', 'sip') else ()
        for column in COLUMNS:
            counts[column] += bool(want[column])
            if column not in skipped and row[column] != want[column]:
                faults.append('flow %d (%s): %s is %r instead of %r' % (
                    n, ends, column, row[column], want[column]))
    check(not faults, '%s: %d cells of %d rows differ:\n%s', os.path.basename(path), len(faults),
          len(rows), '\n'.join(faults[:12]))
    return counts


def compare_groups(path: str, kinds: str) -> int:
    """One output for a group: how many there are that have more than one flow."""
    rows = [r for r in rows_of(path, '--group', kinds, '--names') if r['flow']]
    packets = packets_of(path)
    model = modelled(packets, kinds, 3600, 3600)
    members: Dict[Tuple, List[relatedreference.Packet]] = collections.defaultdict(list)
    for p, group in zip(packets, model.groups()):
        members[group].append(p)
    want = [dict(model.group_row(*group), packets=len(found),
                 first=time_text(min(p.ts_ns for p in found)),
                 last=time_text(max(p.ts_ns for p in found))) for group, found in members.items()]
    found = [dict({column: row[column] for column in GROUP_COLUMNS},
                  packets=int(row['src_packets']) + int(row['dst_packets']), first=row['first'],
                  last=row['last']) for row in rows]
    for row, wanted in zip(found, want):
        check_equal(row, wanted, 'a group')
    check_equal(len(found), len(want), 'groups')
    return sum(int(row['led']) > 0 for row in want)


def groups(name: str, kinds: str) -> Callable[[], None]:
    def case() -> None:
        rng = suite.random(name)
        n = sum(compare_groups(suite.write('%d.pcap' % i, made(rng, 120)), kinds)
                for i in range(harness.times(12)))
        check(n > 10, 'only %d groups are of several flows', n)
    return case


def made_case(name: str, kinds: str) -> Callable[[], None]:
    def case() -> None:
        rng = suite.random(name)
        counts: Dict[str, int] = collections.Counter()
        for i in range(harness.times(16)):
            path = suite.write('%d.pcap' % i, made(rng, 120))
            counts.update(compare(path, kinds, rng.choice((60, 3600)), rng.choice((60, 3600))))
        for column in COLUMNS:
            check(counts[column] > 20 or (column == 'lookup' and kinds == 'http'),
                  'only %d rows have a %s', counts[column], column)
    return case


def knobs() -> None:
    """The same whatever the threads, windows and memory."""
    path = suite.write('a.pcap', made(suite.random('knobs'), 300))
    found = [rows_of(path, '--related', 'all', '--names', *flags) for flags in KNOBS]
    for flags, rows in zip(KNOBS, found):
        check_equal(rows, found[0], 'rows with %s' % ' '.join(flags))
    # Nor does it matter how a capture is cut into files.
    saved = pf.read(path)
    packets = [pf.Packet(r.data, r.ts_ns) for r in saved.records]
    half = len(packets) // 2
    names = [suite.write(name, pf.Capture(saved.format, part).encode())
             for name, part in (('b.pcap', packets[:half]), ('c.pcap', packets[half:]))]
    rows = rows_of(names[0], names[1], '--related', 'all', '--names')
    check_equal([[row[column] for column in COLUMNS] for row in rows],
                [[row[column] for column in COLUMNS] for row in found[0]], 'rows of two files')


def field() -> None:
    top = harness.shared_captures()
    with open(os.path.join(top, 'INDEX.tsv'), newline='', encoding='utf-8') as f:
        rows = list(csv.DictReader(f, delimiter='\t', quoting=csv.QUOTE_NONE))
    counts: Dict[str, int] = collections.Counter()
    for row in rows:
        features = ' ' + (row['features'] or '')
        path = os.path.join(top, row['file'])
        if row['container'] != 'pcap-us-le' or row['links'] != 'EN10MB' or \
                not (' dns=' in features or ' http=' in features) or \
                ' tunnel=' in features or ' frag' in features or not os.path.isfile(path):
            continue
        counts.update(compare(path, 'dns,http', 3600, 3600))
    for column in COLUMNS:
        check(counts[column] > 20, 'only %d rows have a %s', counts[column], column)


def main() -> int:
    if b'--related' not in suite.run_cleave('split', '--help').stdout:
        why = harness.Skip('this program has no --related')
        return suite.run({'related': harness.skipped(why)})
    return suite.run({'dns': made_case('dns', 'dns'), 'http': made_case('http', 'http'),
                      'both': made_case('both', 'dns,http'), 'knobs': knobs,
                      'groups-dns': groups('groups-dns', 'dns'),
                      'groups-both': groups('groups-both', 'dns,http'), 'field': field})


if __name__ == '__main__':
    sys.exit(main())
