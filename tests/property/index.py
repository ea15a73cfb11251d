# SPDX-License-Identifier: BSD-2-Clause
"""Properties of indexes: flows found, and where their records lie, without a copy.

What an index knows of a run is what the run would have made: extracted, each flow is its output byte
for byte, and rows and receipt are those of the directory. Threads, window and memory do not change
what is found. Nothing of an index is believed that its captures do not say too.
"""
import gzip
import json
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
from typing import Callable, Dict, List, Optional, Sequence

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
import pcapngfile as ng
import pcapngsamples as made
import samples
from harness import check, check_equal

KNOBS = {'--threads': ['', '1', '2', '5'], '--window': ['', '4KiB', '50KiB'],
         '--memory': ['', '1MiB']}
FLAGS = ((), ('--snaplen', '40'), ('--format', 'pcapng'), ('--format', 'pcap'),
         ('--by', 'connection'), ('--by', 'host'), ('--by', 'none', '--every', '7p'),
         ('--name', '{key}.pcap'), ('--name', '{src}/{dst}.pcap'), ('--name', 'x.pcap'),
         ('--shards', '3'), ('--top', '2'), ('--max-packets-per-flow', '2'), ('--no-other',),
         ('--manifest', 'jsonl'), ('--manifest', 'none'), ('--inner',), ('--min-packets', '3'),
         ('--filter', 'udp'), ('--by', 'vlan,ip'), ('--directed',), ('--no-metadata',),
         ('--by', 'client'), ('--idle-timeout', '1s'))

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


def run(*args: str, status: Optional[int] = 0, **more) -> subprocess.CompletedProcess:
    return suite.run_cleave(*args, status=status, **more)


def receipt_of(index: str) -> bytes:
    with sqlite3.connect(f'file:{index}?mode=ro', uri=True) as db:
        return db.execute("SELECT value FROM cleave WHERE key = 'receipt'").fetchone()[0].encode()


def dump(index: str) -> List[object]:
    """All that an index has but for the captures' times."""
    with sqlite3.connect(f'file:{index}?mode=ro', uri=True) as db:
        return [db.execute(f'SELECT * FROM {table}').fetchall()
                for table in ('outputs', 'cleave', 'blocks', 'kinds')]


def check_index(rng: random.Random, captures: Sequence[str], *flags: str, status: int = 0,
                each: bool = True, places: bool = True) -> None:
    """Against the directory of the same split, and against itself with other knobs.

    each: flow by flow can be extracted; places: where records lie does not depend on knobs, as it
    may where a capture follows one that is damaged.
    """
    tree, index, out = suite.path('tree'), suite.path('x.db'), suite.path('taken')
    for path in (tree, out):
        shutil.rmtree(path, ignore_errors=True)
    run('split', *captures, '-o', tree, '-q', *flags, status=status)
    run('index', *captures, '-o', index, '-q', '--force', *flags, status=status)
    files = {n: d for n, d in harness.files_of(tree).items() if not n.endswith('/')}
    receipt = files.pop('cleave.json')
    check_equal(receipt_of(index), receipt, 'the receipt')
    manifest = next((files.pop(n) for n in ('manifest.csv', 'manifest.jsonl') if n in files), None)
    if 'jsonl' in flags:
        check_equal(run('flows', index, '--json').stdout, manifest, 'rows')
    elif manifest is not None:
        check_equal(run('flows', index, '--csv').stdout, manifest, 'rows')
    if each and files:
        run('extract', index, '-o', out + '/', '-q')
        taken = {n: d for n, d in harness.files_of(out).items() if not n.endswith('/')}
        taken.pop('manifest.csv')
        harness.check_files(taken, files)
    elif files:
        name = rng.choice(sorted(files))
        one = suite.path('one')
        run('extract', index, '-o', one, '-q', '--force', '--where',
            "file = '%s'" % name.replace("'", "''"))
        with open(one, 'rb') as f:
            check(f.read() == files[name], 'the bytes of %s', name)
    first = dump(index)
    for knobs in rng.sample(harness.knob_settings(KNOBS, rng, 4), 2):
        run('index', *captures, '-o', index, '-q', '--force', *flags, *knobs, status=status)
        if places:
            check(dump(index) == first, 'another index with %s', ' '.join(knobs))


def talkative(rng: random.Random, flows: int, records: int) -> pf.Capture:
    """Flows of random lengths, mixed."""
    frames = []
    for _ in range(records):
        n = rng.randrange(flows)
        frames += samples.udp_talk('10.0.%d.%d' % (n >> 8, n & 255), '10.1.0.1', 1000 + n, 53)[:1]
    return pf.Capture(pf.Format(), pf.at_times(frames, samples.NOON))


def pcaps() -> None:
    rng = suite.random('pcaps')
    for capture in (talkative(rng, 300, 2000), samples.mixed(), samples.fragmented(),
                    samples.tunnels(), samples.no_records()):
        path = suite.write('capture.pcap', capture.encode())
        for flags in rng.sample(FLAGS, harness.times(9)):
            check_index(rng, [path], *flags)


def pcapngs() -> None:
    rng = suite.random('pcapngs')
    for _ in range(harness.times(12)):
        shape = made.Shape(sections=rng.choice((1, 3)), interfaces=rng.choice((1, 3)),
                           options=rng.random() < 0.5, metadata=rng.random() < 0.5,
                           ignored=rng.random() < 0.3)
        path = suite.write('capture.pcapng', ng.encode(made.random_capture(rng, shape)))
        for flags in rng.sample([f for f in FLAGS if f[:2] != ('--format', 'pcap')], 3):
            check_index(rng, [path], *flags)


def several() -> None:
    """One after another, merged, of several formats, compressed, in archives, damaged."""
    rng = suite.random('several')
    paths = [suite.write('%d.pcap' % i, talkative(rng, 50, 300).encode()) for i in range(3)]
    check_index(rng, paths)
    check_index(rng, paths, '--merge', each=False)
    packed = [suite.write('p.pcap.gz', gzip.compress(talkative(rng, 50, 300).encode()))]
    check_index(rng, packed, each=False)
    check_index(rng, packed + paths, each=False)
    paths.append(suite.write('3.pcapng', ng.encode(made.random_capture(rng, made.Shape()))))
    check_index(rng, paths)
    check_index(rng, paths, '--merge', '--format', 'pcapng', each=False)
    archive = suite.path('made.zip')
    run('split', paths[0], '-o', archive, '-q', '--force', '--shards', '2')
    check_index(rng, [archive])
    data = talkative(rng, 50, 300).encode()
    broken = suite.write('broken.pcap', data[:len(data) // 2] + b'\xff' * 40
                         + data[len(data) // 2 + 40:])
    check_index(rng, [broken], status=1)
    check_index(rng, [broken], '--recover', status=1)
    check_index(rng, [broken, paths[1]], status=1, places=False)


def in_order() -> None:
    """Several flows as one capture: the capture without the others, in its order."""
    rng = suite.random('in order')
    data = talkative(rng, 200, 4000).encode()
    path, index, out = suite.write('c.pcap', data), suite.path('c.db'), suite.path('o.pcap')
    run('index', path, '-o', index, '-q')
    records, at = [], 24
    while at < len(data):
        length = 16 + struct.unpack_from('<I', data, at + 8)[0]
        records.append(data[at:at + length])
        at += length
    addresses = [r[16 + 14 + 12:16 + 14 + 16] for r in records]
    order = list(dict.fromkeys(addresses))
    for _ in range(harness.times(20)):
        chosen = sorted(rng.sample(range(len(order)), rng.randint(1, len(order))))
        wanted = {order[n] for n in chosen}
        flows = ','.join(str(n + 1) for n in chosen)
        run('extract', index, '--flow', flows, '-o', out, '-q', '--force')
        with open(out, 'rb') as f:
            check(f.read() == data[:24] + b''.join(
                r for r, a in zip(records, addresses) if a in wanted), 'flows %s', flows)
        done = run('extract', index, '--flow', flows, '--invert', '-o', '-', '-q',
                   status=0 if len(chosen) < len(order) else 1)
        if len(chosen) < len(order):
            check(done.stdout == data[:24] + b''.join(
                r for r, a in zip(records, addresses) if a not in wanted), 'all but %s', flows)


def bytes_of(n: int) -> bytes:
    found = b''
    while n >= 0x80:
        found += bytes([n & 0x7f | 0x80])
        n >>= 7
    return found + bytes([n])


def altered() -> None:
    """Sound SQLite with wrong contents: a message and status 2, and nothing is published."""
    rng = suite.random('altered')
    data = talkative(rng, 20, 200).encode()
    path, index, out = suite.write('a.pcap', data), suite.path('a.db'), suite.path('a-out.pcap')
    run('index', path, '-o', index, '-q')
    positions = (
        b'', b'\x80', b'\x00\x00', b'\xff' * 8 + b'\x7f', b'\xff' * 9 + b'\x01', bytes_of(1),
        bytes_of(len(data)), bytes_of(len(data) - 30), bytes_of(1 << 40), bytes_of(0) + bytes_of(1),
        bytes_of(0) * 2, bytes_of(0) + bytes_of(1 << 62) + bytes_of(1 << 62))
    changes = [('UPDATE outputs SET positions = ? WHERE id = 3', (p,)) for p in positions]
    changes += [(sql, ()) for sql in (
        'UPDATE outputs SET positions = (SELECT positions FROM outputs WHERE id = 1)',
        'UPDATE outputs SET positions = 5', 'UPDATE outputs SET positions = NULL',
        'UPDATE outputs SET kind = -1', 'UPDATE outputs SET kind = 1 << 40',
        'UPDATE outputs SET output_bytes = -1', 'UPDATE outputs SET file = NULL',
        'UPDATE outputs SET src_packets = src_packets + 1',
        'UPDATE outputs SET dst_captured_bytes = 1 << 62',
        'DELETE FROM outputs WHERE id = 3', 'DELETE FROM captures',
        'UPDATE captures SET position = -1', 'UPDATE captures SET position = 1 << 50',
        'UPDATE captures SET bytes = bytes + 1', "UPDATE captures SET digest = x'00'",
        "UPDATE captures SET path = '/dev/zero'", "UPDATE captures SET path = '/'",
        'INSERT INTO captures SELECT 7, path, bytes, modified, digest, 5, records FROM captures',
        'DELETE FROM cleave', "UPDATE cleave SET value = '{}'", "UPDATE cleave SET value = NULL",
        "UPDATE cleave SET value = replace(value, '\"by\": \"flow\"', '\"by\": \"nothing\"')",
        "INSERT INTO blocks VALUES (99, 3, x'0a0d0d0a', 0)",
        "INSERT INTO blocks VALUES (99, -3, zeroblob(100), 1)",
        'INSERT INTO kinds VALUES (5, 1, 0, 0)', 'DROP VIEW flows', 'DROP TABLE blocks',
        'ALTER TABLE outputs ADD COLUMN more', 'DROP VIEW flows; CREATE TABLE flows (id)',
        'PRAGMA user_version = 7', 'PRAGMA application_id = 7')]
    for sql, values in changes:
        copy = suite.path('copy.db')
        shutil.copy(index, copy)
        with sqlite3.connect(copy) as db:
            if values:
                db.execute(sql, values)
            else:
                db.executescript(sql)
        db.close()
        done = run('extract', copy, '-o', out, '-q', status=None)
        # Rows that are gone cannot be chosen, a kind or a capture more is not needed.
        fine = done.returncode == 0 and ('INTO kinds' in sql or 'INTO captures' in sql
                                         or sql.startswith('DELETE FROM outputs'))
        check(fine or done.returncode == 2, 'status %s of %s %s: %s', done.returncode, sql, values,
              done.stderr)
        check(done.returncode == 0 or done.stderr.startswith(b'cleave: '), 'words for %s: %s', sql,
              done.stderr)
        if os.path.exists(out):
            os.unlink(out)


def corrupted() -> None:
    """Any bytes of the file are others: never a crash, and never another flow's bytes in silence."""
    rng = suite.random('corrupted')
    data = talkative(rng, 20, 200).encode()
    path, index, out = suite.write('b.pcap', data), suite.path('b.db'), suite.path('b-out.pcap')
    run('index', path, '-o', index, '-q')
    with open(index, 'rb') as f:
        whole = f.read()
    for _ in range(harness.times(150)):
        copy = bytearray(whole)
        how = rng.randrange(4)
        if how == 0:
            del copy[rng.randrange(len(copy)):]
        for _ in range(rng.randint(1, 8) if how else 0):
            at = rng.randrange(len(copy))
            copy[at] = rng.randrange(256) if how < 3 else copy[at] ^ 1 << rng.randrange(8)
        other = suite.write('other.db', bytes(copy))
        for args in (('flows', other, '--csv'), ('extract', other, '-o', out, '-q', '--force')):
            done = run(*args, status=None)
            check(done.returncode in (0, 1, 2), 'status %s of %s', done.returncode, args)


def where() -> None:
    """A condition reads the table of flows, and nothing else, and not for long."""
    path, index = suite.write('w.pcap', samples.mixed().encode()), suite.path('w.db')
    run('index', path, '-o', index, '-q')
    for sql in ('(SELECT count(*) FROM cleave)', '(SELECT 1 FROM sqlite_schema)', '1; DROP TABLE x',
                '1) UNION SELECT value FROM cleave --', "load_extension('x')", 'nothing = 1', '1 1',
                "EXISTS (SELECT 1 FROM pragma_table_info('flows'))", '(SELECT positions FROM outputs)',
                'length(zeroblob(100000000)) > 1',
                '(WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT 1 FROM t)'):
        for command in (('flows', index), ('extract', index, '-o', suite.path('w.out'))):
            done = run(*command, '--where', sql, status=2)
            check(b'--where' in done.stderr, 'words for %s: %s', sql, done.stderr)
        check(not os.path.exists(suite.path('w.out')), 'an output in spite of %s', sql)
    check_equal(run('flows', index, '--where', '1 -- a comment', '--csv').stdout,
                run('flows', index, '--csv').stdout, 'a comment')
    words = suite.write('w.txt', b''.join(b'%d\n' % n for n in range(1, 5001)))
    check_equal(run('flows', index, '--where', 'flow > 0', '--csv', '--flows', words).stdout,
                run('flows', index, '--where', 'flow > 0', '--csv').stdout, 'a long list beside it')


def changed() -> None:
    """A capture that is not what it was is found out; one that was moved is found."""
    rng = suite.random('changed')
    data = talkative(rng, 20, 400).encode()
    where_it_is = suite.path('moved')
    os.mkdir(where_it_is)
    path, index, out = suite.write('m.pcap', data), suite.path('m.db'), suite.path('m-out.pcap')
    run('index', path, '-o', index, '-q')

    def extract(*flags: str, status: int = 0) -> bytes:
        done = run('extract', index, '-o', out, '-q', '--force', *flags, status=status)
        return done.stderr

    for other in (data + b'\0', data[:-1], data[:-1] + bytes([data[-1] ^ 1]), b'', b'text',
                  data[:30] + bytes([data[30] ^ 1]) + data[31:]):
        suite.write('m.pcap', other)
        check(b'm.pcap' in extract(status=2), 'words')
    longer = talkative(rng, 20, 20000).encode()
    suite.write('m.pcap', longer)
    run('index', path, '-o', index, '-q', '--force')
    middle = 24 + (16 + struct.unpack_from('<I', longer, 32)[0]) * 10000 # all are as long
    suite.write('m.pcap', longer[:middle + 8] + b'\x03' + longer[middle + 9:])
    check(b'since' in extract(status=2), 'a record in the middle')
    suite.write('m.pcap', longer)
    os.rename(path, os.path.join(where_it_is, 'm.pcap'))
    check(b'--capture' in extract(status=2), 'words')
    extract('--capture', os.path.join(where_it_is, 'm.pcap'))
    with open(out, 'rb') as f:
        check(f.read() == longer, 'all flows are the capture')
    shutil.copy(index, os.path.join(where_it_is, 'n.db'))
    run('extract', os.path.join(where_it_is, 'n.db'), '-o', out, '-q', '--force')


def published() -> None:
    """Whole or not at all, and nothing but an index is replaced."""
    path, index = suite.write('p.pcap', samples.mixed().encode()), suite.path('p.db')
    run('index', path, '-o', index, '-q')
    run('index', path, '-o', index, '-q', status=2)
    run('index', path, '-o', index, '-q', '--force')
    for name, data in (('text.db', b'hello'), ('empty.db', b'')):
        other = suite.write(name, data)
        run('index', path, '-o', other, '-q', '--force', status=2)
        with open(other, 'rb') as f:
            check_equal(f.read(), data, name)
    run('index', path, '-o', path, '-q', '--force', status=2)
    check_equal([n for n in os.listdir(suite.path()) if n.startswith('.')], [], 'what is left')


def sums() -> None:
    """The table of a large capture agrees with the summary, within the size that was promised."""
    path, index = suite.path('s.pcap'), suite.path('s.db')
    run('generate', 'traffic', '--flows', '5000', '--packets', '60000', '--output', path, '-q')
    done = run('index', path, '-o', index, '--json', '--memory', '1MiB')
    found: Dict[str, object] = json.loads(done.stdout)
    with sqlite3.connect(f'file:{index}?mode=ro', uri=True) as db:
        check_equal(db.execute('SELECT count(*), sum(packets), sum(captured_bytes) FROM flows')
                    .fetchone(), (found['outputs'], found['records_written'],
                                  found['captured_bytes']), 'sums')
    bound = 300 * found['outputs'] + 3 * found['records_written'] + 65536
    check(os.path.getsize(index) <= bound, 'the index has %d bytes', os.path.getsize(index))


def built() -> None:
    if b'SQLite' not in run('--version').stdout:
        raise harness.Skip('built without SQLite')


def of_index(case: Callable[[], None]) -> Callable[[], None]:
    def run_it() -> None:
        built()
        case()
    return run_it


CASES: Dict[str, Callable[[], None]] = {
    'pcaps': pcaps,
    'pcapngs': pcapngs,
    'several': several,
    'in-order': in_order,
    'altered': altered,
    'corrupted': corrupted,
    'where': where,
    'changed': changed,
    'published': published,
    'sums': sums,
}

sys.exit(suite.run({name: of_index(case) for name, case in CASES.items()}))
