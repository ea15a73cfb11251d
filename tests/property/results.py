# SPDX-License-Identifier: BSD-2-Clause
"""Properties of results: a directory, an archive, an index and the captures themselves.

They have the same table of flows: random selections give the same rows of each, those that a plain
model chooses from manifest.csv. What is extracted is what those flows' files hold: as they are, or
as one capture, from directories and archives in the order of times. A manifest that was altered is
listed as it stands, or refused with a message.
"""
import collections
import csv
import datetime
import gzip
import heapq
import io
import ipaddress
import json
import os
import random
import shutil
import sys
import zipfile
from typing import Callable, Counter, Dict, FrozenSet, List, NamedTuple, Optional, Sequence, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
import pcapngfile as ng
import reference
import samples
from harness import check, check_equal

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])

EPOCH = datetime.date(1970, 1, 1).toordinal()
Row = Dict[str, str]
NUMBERS = ('flow', 'sport', 'dport', 'src_packets', 'dst_packets', 'src_captured_bytes',
           'dst_captured_bytes', 'src_wire_bytes', 'dst_wire_bytes', 'linktype', 'iface', 'shard',
           'service', 'output', 'part', 'outer_sport', 'outer_dport')


# ---- captures ----

def random_capture(rng: random.Random) -> pf.Capture:
    """Some flows of both families, mixed, and what has no address; some times are equal, or back."""
    frames: List[bytes] = []
    for _ in range(rng.randrange(1, 12)):
        n = rng.randrange(1, 5)
        a, b = rng.choice((('10.0.0.%d', '192.0.2.%d'), ('2001:db8::%x', '2001:db8:1::%x')))
        a, b = a % n, b % rng.randrange(1, 4)
        sport, dport = rng.randrange(1024, 1030), rng.choice((53, 80, 443, 8080))
        frames += rng.choice((samples.tcp_talk, samples.udp_talk))(a, b, sport, dport)
        if rng.random() < 0.3 and '.' in a:
            frames += [pf.frame(a, b, pf.ICMP, pf.icmp(8)), pf.frame(a, b, rng.choice((47, 103)))]
        if rng.random() < 0.3:
            frames += [pf.arp('10.0.0.1', '10.0.0.2')]
        if rng.random() < 0.2:
            frames += samples.udp_talk(a, b, sport, dport, vlans=[rng.randrange(1, 5)])
    if rng.random() < 0.7:
        rng.shuffle(frames)
    packets, now = [], samples.NOON
    for frame in frames:
        now += rng.choice((0, 0, 1000, 5 * 10**8, 3 * 10**9, -2 * 10**6))
        packets.append(pf.Packet(frame, now))
    form = pf.Format(kind=rng.choice(('us', 'us', 'ns')), big_endian=rng.random() < 0.2)
    return pf.Capture(form, packets)


# ---- the model ----

def number(row: Row, column: str) -> Optional[int]:
    return int(row[column]) if row.get(column) else None


def both(row: Row, what: str) -> int:
    return int(row['src_' + what]) + int(row['dst_' + what])


def nanoseconds(text: str) -> Optional[int]:
    """Of RFC 3339 as the manifest has it."""
    if not text:
        return None
    whole, fraction = text[:-1].split('.')
    year, month, day = (int(part) for part in whole[:10].split('-'))
    hour, minute, second = (int(part) for part in whole[11:].split(':'))
    days = datetime.date(year, month, day).toordinal() - EPOCH
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * 10**9 + int(fraction)


def derived(row: Row, column: str) -> Optional[int]:
    if column == 'duration':
        first, last = nanoseconds(row['first']), nanoseconds(row['last'])
        return None if first is None or last is None else last - first
    words = {'packets': 'packets', 'bytes': 'wire_bytes', 'captured_bytes': 'captured_bytes'}
    return both(row, words[column]) if column in words else number(row, column)


class Part(NamedTuple):
    """What is said of flows, and which flows that means."""
    flags: Tuple[str, ...]
    holds: Callable[[Row], bool]


def some_of(rng: random.Random, rows: Sequence[Row], *columns: str) -> str:
    """A value that one of the rows has, or one that none has."""
    values = sorted({row[c] for row in rows for c in columns if row.get(c)})
    return rng.choice(values) if values and rng.random() < 0.9 else ''


def by_flow(rng: random.Random, rows: Sequence[Row]) -> Part:
    ranges = []
    for _ in range(rng.randrange(1, 4)):
        low = rng.randrange(1, len(rows) + 3)
        ranges.append((low, low + rng.choice((0, 0, 1, 5))))
    text = ','.join('%d' % a if a == b else '%d-%d' % (a, b) for a, b in ranges)
    return Part(('--flow', text), lambda row: any(
        row['flow'] and a <= int(row['flow']) <= b for a, b in ranges))


def by_host(rng: random.Random, rows: Sequence[Row]) -> Part:
    addr = some_of(rng, rows, 'src', 'dst') or '198.51.100.7'
    net = ipaddress.ip_network(addr)
    if rng.random() < 0.5:
        net = net.supernet(rng.randrange(1, 20))
    def holds(row: Row) -> bool:
        return any(row[end] and ipaddress.ip_address(row[end]) in net for end in ('src', 'dst'))
    return Part(('--host', str(net) if rng.random() < 0.5 or net.num_addresses > 1 else addr),
                holds)


def by_port(rng: random.Random, rows: Sequence[Row]) -> Part:
    low = int(some_of(rng, rows, 'sport', 'dport') or 7)
    high = low + rng.choice((0, 0, 30))
    return Part(('--port', '%d' % low if low == high else '%d-%d' % (low, high)),
                lambda row: any(row[end] and low <= int(row[end]) <= high
                                for end in ('sport', 'dport')))


def by_proto(rng: random.Random, rows: Sequence[Row]) -> Part:
    protos = {some_of(rng, rows, 'proto') or 'sctp', rng.choice(('tcp', 'udp'))}
    return Part(('--proto', ','.join(sorted(protos))), lambda row: row['proto'] in protos)


def by_time(rng: random.Random, rows: Sequence[Row]) -> Part:
    at = some_of(rng, rows, 'first', 'last') or '2017-07-14T12:00:01.000000000Z'
    ns = nanoseconds(at)
    if rng.random() < 0.5:
        return Part(('--after', at), lambda row: bool(row['last']) and nanoseconds(row['last']) >= ns)
    return Part(('--before', '%d.%09d' % divmod(ns, 10**9)),
                lambda row: bool(row['first']) and nanoseconds(row['first']) < ns)


def by_list(rng: random.Random, rows: Sequence[Row]) -> Part:
    wanted = {some_of(rng, rows, *columns) or '12345'
              for columns in (('file',), ('flow',), ('community_id',))}
    lines = ['# a comment', ''] + sorted(wanted)
    path = suite.write('wanted', '\n'.join(lines).encode() + b'\n')
    return Part(('--flows', path), lambda row: bool(
        wanted & {row['file'], row['flow'], row.get('community_id', '')} - {''}))


def by_id(rng: random.Random, rows: Sequence[Row]) -> Part:
    wanted = some_of(rng, rows, 'community_id')
    if not wanted:
        return by_flow(rng, rows)
    return Part(('--community-id', wanted), lambda row: row['community_id'] == wanted)


def by_sql(rng: random.Random, rows: Sequence[Row]) -> Part:
    row = rng.choice(list(rows))
    column = rng.choice(('packets', 'bytes', 'captured_bytes', 'duration', 'flow', 'sport',
                         'linktype'))
    n = derived(row, column) or 0
    def more(r: Row) -> bool:
        value = derived(r, column)
        return value is not None and value > n
    proto = row['proto']
    return rng.choice((
        Part(('--where', '%s > %d' % (column, n)), more),
        Part(('--where', "%s > %d AND proto = 'udp'" % (column, n)),
             lambda r: more(r) and r['proto'] == 'udp'),
        Part(('--where', "proto = '%s' OR proto IS NULL -- or none" % proto),
             lambda r: r['proto'] in (proto, '')),
        Part(('--where', "file LIKE '%1%'"), lambda r: '1' in r['file']),
        Part(('--where', 'flow % 3 = 1'), lambda r: bool(r['flow']) and int(r['flow']) % 3 == 1),
        Part(('--where', 'flow IN (SELECT max(flow) FROM flows)'),
             lambda r: r['flow'] == max((q['flow'] for q in rows), key=lambda t: int(t or 0))),
    ))


PARTS = (by_flow, by_host, by_port, by_proto, by_time, by_list, by_id, by_sql)


def order_of(column: str) -> Callable[[Row], tuple]:
    """What rows are sorted by: none first; sizes from the largest on."""
    def key(row: Row) -> tuple:
        if column in ('packets', 'bytes', 'captured_bytes', 'duration'):
            value = derived(row, column)
            return (1, 0) if value is None else (0, -value)
        if not row[column]:
            return (0,)
        if column in ('src', 'dst'):
            addr = ipaddress.ip_address(row[column])
            return (1, addr.version, addr.packed)
        return (1, int(row[column]) if column in NUMBERS else row[column].encode())
    return key


class Choice(NamedTuple):
    flags: Tuple[str, ...]
    rows: List[int]  # indices, in the order in which they are listed
    flows: int       # without the limit, and without what has no flow
    others: int      # what has none


# What chooses by a part of the key, with a value, and the fields of which one must be in the key.
KEYED = {'--host': ('10.0.0.1', {'ip', 'host', 'client', 'server'}), '--port': ('1-9', {'port', 'service'}),
         '--proto': ('tcp', {'proto', 'service'})}


def lacking(options: Sequence[str]) -> FrozenSet[str]:
    """Flags that are refused for flows of a run with these options."""
    if '--shards' in options:
        return frozenset(KEYED)
    by = options[options.index('--by') + 1] if '--by' in options else \
        'none' if '--every' in options else 'flow'
    fields = {field for word in by.split(',') for field in
              reference.ALIASES.get(word, word).split(',')}
    return frozenset(flag for flag, (_, any_of) in KEYED.items() if not fields & any_of)


def random_choice(rng: random.Random, rows: Sequence[Row], lacks: FrozenSet[str]) -> Choice:
    parts = [rng.choice(PARTS)(rng, rows) for _ in range(rng.choice((0, 1, 1, 2)))]
    parts = [part for part in parts if part.flags[0] not in lacks]
    parts = list({part.flags[0]: part for part in parts}.values())
    flags = [flag for part in parts for flag in part.flags]
    chosen = [i for i, row in enumerate(rows) if all(part.holds(row) for part in parts)]
    if rng.random() < 0.2:
        flags.append('--invert')
        chosen = [i for i in range(len(rows)) if i not in chosen]
    if rng.random() < 0.4:
        column = rng.choice(('packets', 'bytes', 'duration', 'first', 'src', 'dst', 'sport',
                             'proto', 'file'))
        flags += ['--sort', column]
        chosen.sort(key=lambda i: order_of(column)(rows[i]))
    flows = sum(1 for i in chosen if rows[i]['flow'])
    others = len(chosen) - flows
    if rng.random() < 0.3:
        limit = rng.randrange(1, 5)
        flags += ['--limit', '%d' % limit]
        chosen = chosen[:limit]
    return Choice(tuple(flags), chosen, flows, others)


# ---- results of one run ----

class Table(NamedTuple):
    head: bytes
    lines: List[bytes]  # of CSV
    rows: List[Row]


def table_of(data: bytes) -> Table:
    lines = data.split(b'\n')
    check_equal(lines.pop(), b'', 'the end of the manifest')
    rows = list(csv.DictReader(io.StringIO(data.decode(), newline='')))
    check_equal(len(rows), len(lines) - 1, 'rows of the manifest')
    return Table(lines[0] + b'\n', [line + b'\n' for line in lines[1:]], rows)


def can_list() -> None:
    """Skips where this build has no tables of flows."""
    path = suite.write('probe.pcap', samples.mixed().encode())
    suite.split(path, suite.path('probe'))
    done = suite.run_cleave('flows', suite.path('probe'), '--csv', status=None)
    if done.returncode and (b'this build has no' in done.stderr or b'built without' in done.stderr):
        raise harness.Skip(done.stderr.decode().split('\n', maxsplit=1)[0])


# Options of split; whether an index of them can be made, and whether captures can be read so.
OPTIONS: Tuple[Tuple[Tuple[str, ...], bool, bool], ...] = (
    ((), True, True),
    (('--by', 'hostpair'), True, True),
    (('--by', 'connection'), True, True),
    (('--by', '5tuple,vlan,mac'), True, True),
    (('--by', 'none'), True, True),
    (('--by', 'flow', '--inner'), True, True),
    (('--by', 'connection', '--idle-timeout', '1s'), True, False),
    (('--by', 'host'), True, False),
    (('--every', '3p'), True, False),
    (('--shards', '3'), True, False),
    (('--directed',), True, False),
    (('--min-packets', '3'), True, False),
    (('--top', '3'), True, False),
    (('--no-other',), True, False),
    (('--snaplen', '40'), True, False),
    (('--max-packets-per-flow', '2'), True, False),
    (('--format', 'pcapng'), True, False),
    (('--name', 'a,"b"/{proto}/{key}.pcap'), True, False),
    (('--name', "it's {n}.pcap"), True, False),
    (('--proto', 'tcp', '--community-seed', '7'), True, False),
    (('--compress', 'gzip'), False, False),
)


class Results(NamedTuple):
    table: Table
    tree: str                       # the directory that the model is made of
    paths: Dict[str, Tuple[str, ...]]  # by kind: what names the result
    lacks: FrozenSet[str]           # flags that are refused
    by_host: bool


def results_of(capture: str, options: Tuple[str, ...], has_index: bool, has_captures: bool
               ) -> Results:
    tree, lines, database, archive, index = (
        suite.path(name) for name in ('tree', 'lines', 'database', 'a.zip', 'i.db'))
    for path in (tree, lines, database):
        shutil.rmtree(path, ignore_errors=True)
    for path in (archive, index):
        if os.path.exists(path):
            os.unlink(path)
    done = suite.run_cleave('split', capture, '-q', '-o', tree, *options, status=None)
    if done.returncode and b'built without' in done.stderr:
        raise harness.Skip(done.stderr.decode())
    check_equal(done.returncode, 0, 'the status of split, which says %r' % done.stderr)
    paths = {'directory': (tree,)}
    suite.run_cleave('split', capture, '-q', '-o', lines, '--manifest', 'jsonl', *options)
    paths['lines'] = (lines,)
    suite.run_cleave('split', capture, '-q', '-o', database, '--manifest', 'sqlite', *options)
    paths['database'] = (database,)
    done = suite.run_cleave('split', capture, '-q', '-o', archive, *options, status=None)
    if done.returncode == 0:
        paths['archive'] = (archive,)
    else:
        check(b'built without' in done.stderr, 'split says %s', done.stderr)
    if has_index:
        suite.run_cleave('index', capture, '-q', '-o', index, *options)
        paths['index'] = (index,)
    if has_captures:
        paths['captures'] = (capture, *options)
    with open(os.path.join(tree, 'manifest.csv'), 'rb') as f:
        return Results(table_of(f.read()), tree, paths, lacking(options), 'host' in options)


def check_refused(found: Results) -> None:
    """No flow could be chosen by what is not in the key, and inverted all would be."""
    for flag in found.lacks:
        for names in found.paths.values():
            for more in ((), ('--invert',)):
                done = suite.run_cleave('flows', *names, flag, KEYED[flag][0], *more, status=2)
                check(b'%s: these flows have no ' % flag.encode() in done.stderr, 'it says %r', done.stderr)


def check_listed(found: Results, choice: Choice) -> None:
    table = found.table
    wanted = table.head + b''.join(table.lines[i] for i in choice.rows)
    lines = b''
    for kind, names in found.paths.items():
        done = suite.run_cleave('flows', *names, *choice.flags, '--csv')
        if done.stdout != wanted:
            check_equal(done.stdout.decode().split('\n'), wanted.decode().split('\n'),
                        'rows of %s with %s' % (kind, ' '.join(choice.flags)))
        done = suite.run_cleave('flows', *names, *choice.flags, '--json')
        lines = lines or done.stdout
        check_equal(done.stdout, lines, 'JSON of %s' % kind)
        rows = [{k: str(v) for k, v in json.loads(line).items()} for line in lines.splitlines()]
        check_equal(rows, [{k: v for k, v in table.rows[i].items() if v} for i in choice.rows],
                    'values of %s' % kind)
    last = suite.run_cleave('flows', *names, *choice.flags).stdout.decode().splitlines()[-1]
    words = last.replace(',', ' ').split()
    check_equal((words[0], words[2:4] == ['and', '`other`']),
                ('%d' % choice.flows, bool(choice.others)), 'flows in %r' % last)


# ---- what is extracted ----

class Record(NamedTuple):
    ts_ns: int
    origlen: int
    data: bytes


def records_of(data: bytes) -> List[Record]:
    if data[:4] == b'\x0a\x0d\x0d\x0a':
        return [Record(p.ts, p.origlen, p.data) for p in ng.of_kind(ng.blocks(data), ng.Packet)]
    saved = pf.parse(data)
    check(saved.damage_at is None, 'a capture is damaged')
    return [Record(r.ts_ns, r.origlen, r.data) for r in saved.records]


def file_of(found: Results, i: int) -> bytes:
    with open(os.path.join(found.tree, found.table.rows[i]['file']), 'rb') as f:
        return f.read()


def unpacked(data: bytes) -> bytes:
    if data[:2] != b'\x1f\x8b':
        return data
    return gzip.decompress(data)


def extract(names: Sequence[str], choice: Choice, status: int = 0) -> bytes:
    return suite.run_cleave('extract', *names, *choice.flags, '-o', '-', status=status).stdout


def check_one_capture(found: Results, choice: Choice) -> None:
    """By time, then by flow; from captures and their index in their order, which has the same."""
    held = [records_of(unpacked(file_of(found, i))) for i in sorted(choice.rows)]
    merged = list(heapq.merge(*held, key=lambda record: record.ts_ns))
    once: Counter = collections.Counter()  # a record is in the outputs of both of its hosts
    for records in held:
        once |= collections.Counter(records)
    twice = found.by_host and len(choice.rows) > 1
    in_order = None
    for kind, names in found.paths.items():
        if twice and kind in ('directory', 'lines', 'database', 'archive'):
            extract(names, choice, status=2)
            continue
        data = extract(names, choice)
        if kind in ('directory', 'lines', 'database', 'archive'):
            check_equal(records_of(data), merged, 'records from %s' % kind)
            if len(choice.rows) == 1:
                check_equal(data, unpacked(file_of(found, choice.rows[0])), 'bytes from %s' % kind)
            continue
        in_order = in_order or data
        check_equal(data, in_order, 'bytes from %s' % kind)
        check_equal(collections.Counter(records_of(data)),
                    once if twice else collections.Counter(merged), 'records from %s' % kind)


def check_captures(found: Results, choice: Choice) -> None:
    """A capture for each, and their rows."""
    wanted = {found.table.rows[i]['file']: file_of(found, i) for i in choice.rows}
    wanted['manifest.csv'] = found.table.head + b''.join(found.table.lines[i] for i in choice.rows)
    out = suite.path('out')
    for kind, names in found.paths.items():
        suite.run_cleave('extract', *names, *choice.flags, '-q', '-o', out + '/')
        harness.check_files({n: d for n, d in harness.files_of(out).items() if n[-1] != '/'},
                            wanted)
        shutil.rmtree(out)
        if 'archive' not in found.paths:
            continue
        suite.run_cleave('extract', *names, *choice.flags, '-q', '-o', out + '.zip')
        with zipfile.ZipFile(out + '.zip') as z:
            check_equal(z.testzip(), None, 'the members of %s' % kind)
            harness.check_files({n: z.read(n) for n in z.namelist()}, wanted)
        os.unlink(out + '.zip')


def case_of(number_of: int) -> Callable[[], None]:
    def case() -> None:
        can_list()
        rng = suite.random('results %d' % number_of)
        for options, has_index, has_captures in OPTIONS[number_of::CASES]:
            for _ in range(harness.times(4)):
                capture = suite.write('c.pcap', random_capture(rng).encode())
                try:
                    found = results_of(capture, options, has_index, has_captures)
                except harness.Skip as why:
                    print('        %s: %s' % (' '.join(options), why))
                    break
                if not found.table.rows:
                    continue
                numbered = sum(1 for row in found.table.rows if row['flow'])
                check_listed(found, Choice((), list(range(len(found.table.rows))), numbered,
                                           len(found.table.rows) - numbered))
                check_refused(found)
                for _ in range(3):
                    choice = random_choice(rng, found.table.rows, found.lacks)
                    check_listed(found, choice)
                    if not choice.rows:
                        extract(found.paths['directory'], choice, status=1)
                        continue
                    check_one_capture(found, choice)
                    check_captures(found, choice)
    return case


CASES = 7


# ---- altered manifests ----

def alter(rng: random.Random, data: bytes) -> bytes:
    """Bytes changed, left out, doubled; lines too."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(out)) if out else 0
        what = rng.randrange(6)
        if what == 0:
            out[at:at + 1] = bytes([rng.choice(b'\0\r\n",:.0919-xeE\xff{}[]\\')])
        elif what == 1:
            del out[at:at + rng.randrange(1, 20)]
        elif what == 2:
            out[at:at] = out[at:at + rng.randrange(1, 30)]
        elif what == 3:
            del out[at:]
        elif what == 4:
            lines = bytes(out).splitlines(keepends=True)
            rng.shuffle(lines)
            out = bytearray(b''.join(lines))
        else:
            out[at:at] = rng.choice((b'9' * 30, b'"' * rng.randrange(1, 4), b'\r\n', b',' * 50,
                                     b'x' * 9000, b'[' * 3000, b'\\u0000', b'-1', b'null'))
    return bytes(out)


def altered() -> None:
    can_list()
    rng = suite.random('altered')
    capture = suite.write('c.pcap', samples.mixed().encode())
    listed = 0
    for kind in ('csv', 'jsonl'):
        tree = suite.path(kind)
        suite.run_cleave('split', capture, '-q', '-o', tree, '--manifest', kind)
        path = os.path.join(tree, 'manifest.' + kind)
        with open(path, 'rb') as f:
            whole = f.read()
        for _ in range(harness.times(200 if suite.args.sanitized else 800)):
            data = alter(rng, whole)
            with open(path, 'wb') as f:
                f.write(data)
            done = suite.run_cleave('flows', tree, '--csv', status=None)
            check(done.returncode in (0, 2), 'status %d with %r', done.returncode, data)
            if done.returncode == 2:
                check(b'cleave: %s' % os.path.join(tree, 'manifest.').encode() in done.stderr,
                      'a message of %r', done.stderr)
                check_equal(done.stdout, b'', 'what is printed')
                continue
            listed += 1
            if kind == 'csv':
                texts = [x.decode('latin-1') for x in (done.stdout, data)]
                check_equal(*([list(csv.reader(io.StringIO(x, newline=''))) for x in texts]),
                            'rows of what was altered')
    check(listed, 'nothing that was altered was taken')


def altered_archive() -> None:
    can_list()
    rng = suite.random('altered archive')
    capture = suite.write('c.pcap', samples.mixed().encode())
    path, other = suite.path('a.zip'), suite.path('b.zip')
    done = suite.run_cleave('split', capture, '-q', '-o', path, status=None)
    if done.returncode:
        raise harness.Skip(done.stderr.decode())
    with open(path, 'rb') as f:
        whole = f.read()
    for _ in range(harness.times(100 if suite.args.sanitized else 400)):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 1, 3))):
            at = rng.randrange(len(data) * 9 // 10, len(data)) if rng.random() < 0.6 \
                else rng.randrange(len(data))
            data[at] ^= 1 << rng.randrange(8)
        with open(other, 'wb') as f:
            f.write(data)
        for command in (['flows', other, '--csv'], ['extract', other, '-o', '-'],
                        ['extract', other, '--flow', '1-2', '-q', '-o', suite.path('out/')]):
            done = suite.run_cleave(*command, status=None)
            check(done.returncode in (0, 1, 2), 'status %d', done.returncode)
            shutil.rmtree(suite.path('out'), ignore_errors=True)


def many_flows() -> None:
    """More outputs than may be open, as one capture."""
    can_list()
    n = 3000
    frames = [f for i in range(n) for f in samples.udp_talk(
        '10.%d.%d.1' % (i >> 8, i & 255), '192.0.2.1', 1024, 53)]
    suite.random('many').shuffle(frames)
    capture = suite.write('c.pcap', pf.Capture(pf.Format(), pf.at_times(frames)).encode())
    for options in ((), ('--compress', 'gzip')):
        tree = suite.path('tree')
        done = suite.run_cleave('split', capture, '-q', '-o', tree, *options, status=None)
        if done.returncode:
            raise harness.Skip(done.stderr.decode())
        done = suite.run_cleave('extract', tree, '-o', '-', status=None)
        if options and done.returncode == 2:
            check(b'compressed' in done.stderr, 'extract says %r', done.stderr)
            continue
        with open(capture, 'rb') as f:
            check_equal(records_of(done.stdout), records_of(f.read()), 'records of all flows')
        shutil.rmtree(tree)


def archived_flows() -> None:
    """An archive is opened once for all its members: they cost no more than files."""
    can_list()
    if suite.args.sanitized:
        raise harness.Skip('measures time')
    capture, archive, tree = suite.path('c.pcap'), suite.path('a.zip'), suite.path('tree')
    suite.run_cleave('generate', 'traffic', '--flows', '4000', '--packets', '8000',
                     '--sizes', 'small', '-q', '-o', capture)
    suite.run_cleave('split', capture, '-q', '-o', archive)
    with zipfile.ZipFile(archive) as z:
        z.extractall(tree)
    used, made = [], []
    for result in (tree, archive):
        before = os.times()
        made.append(suite.run_cleave('extract', result, '-o', '-').stdout)
        after = os.times()
        used.append(after.children_user + after.children_system
                    - before.children_user - before.children_system)
    check_equal(made[1], made[0], 'the capture of an archive')
    check(used[1] < 2 * used[0] + 0.2, 'an archive takes %.2f s, files take %.2f s',
          used[1], used[0])


def main() -> int:
    cases = {'results-%d' % i: case_of(i) for i in range(CASES)}
    cases.update({'altered': altered, 'altered-archive': altered_archive,
                  'many-flows': many_flows, 'archived-flows': archived_flows})
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
