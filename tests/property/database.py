# SPDX-License-Identifier: BSD-2-Clause
"""Properties of a manifest that is a database.

It says what manifest.csv of the same run says, column by column, each value of its type; and its
bytes follow from captures and options alone. What a statement of SQL changes in it, verify finds;
what chance changes in its bytes, verify finds, or it still says the same; nothing makes verify,
flows, extract or split --force end otherwise than with a message.
"""
import csv
import io
import ipaddress
import os
import random
import shutil
import sys
from typing import Callable, Dict, List, Optional, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import samples
from harness import check, check_equal
from results import NUMBERS, nanoseconds, random_capture

try:
    import sqlite3
except ImportError:
    sqlite3 = None

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])

OPTIONS: Tuple[Tuple[str, ...], ...] = (
    (), ('--by', 'hostpair'), ('--by', '5tuple,vlan,mac,iface'), ('--by', 'none'), ('--inner',),
    ('--by', 'connection', '--idle-timeout', '1s'), ('--by', 'host'), ('--every', '3p'),
    ('--shards', '3'), ('--top', '3'), ('--no-other',), ('--format', 'pcapng'),
    ('--name', 'a,"b"/{proto}/{key}.pcap'), ('--name', "it's {n}.pcap"),
    ('--community-seed', '7'), ('--compress', 'gzip'),
)
TIMES, ADDRESSES = ('first', 'last'), ('src', 'dst', 'outer_src', 'outer_dst')


def usable() -> None:
    if sqlite3 is None:
        raise harness.Skip('this Python has no SQLite')
    if b'no SQLite' in suite.run_cleave('--version').stdout:
        raise harness.Skip('built without SQLite')


def split(capture: str, out: str, *flags: str) -> str:
    shutil.rmtree(out, ignore_errors=True)
    done = suite.run_cleave('split', '-q', capture, '-o', out, *flags, status=None)
    if b'built without' in done.stderr:
        raise harness.Skip(done.stderr.decode().strip())
    check_equal((done.returncode, done.stderr), (0, b''), ' '.join(flags))
    return os.path.join(out, 'manifest.db')


def value_of(column: str, text: str) -> object:
    """As the column has it in the database."""
    if not text:
        return None
    return int(text) if column in NUMBERS else nanoseconds(text) if column in TIMES else text


def key_of(text: Optional[str]) -> Optional[bytes]:
    if not text:
        return None
    addr = ipaddress.ip_address(text)
    return bytes([addr.version]) + addr.packed


def dump(path: str) -> Optional[List[object]]:
    """All that it says; None: it is no database, or a broken one."""
    try:
        db = sqlite3.connect('file:%s?mode=ro&immutable=1' % path, uri=True)
        db.text_factory = bytes
        found = [db.execute('PRAGMA %s' % p).fetchall()
                 for p in ('application_id', 'user_version', 'quick_check')]
        found.append(db.execute('SELECT type, name, tbl_name, sql FROM sqlite_schema').fetchall())
        for table in ('outputs', 'cleave', 'captures', 'blocks', 'kinds'):
            found.append(db.execute('SELECT * FROM %s' % table).fetchall())
        db.close()
        return found
    except (sqlite3.Error, UnicodeDecodeError, OverflowError):
        return None


def same_as_csv(number: int) -> Callable[[], None]:
    def case() -> None:
        usable()
        rng = suite.random('same %d' % number)
        for options in OPTIONS[number::4]:
            capture = suite.write('c.pcap', random_capture(rng).encode())
            split(capture, suite.path('csv'), *options)
            path = split(capture, suite.path('db'), '--manifest', 'sqlite', *options)
            with open(suite.path('csv', 'manifest.csv'), encoding='utf-8', newline='') as f:
                rows = list(csv.DictReader(io.StringIO(f.read(), newline='')))
            db = sqlite3.connect(path)
            db.row_factory = sqlite3.Row
            found = db.execute('SELECT * FROM outputs ORDER BY id').fetchall()
            check_equal(len(found), len(rows), 'rows')
            for i, (row, want) in enumerate(zip(found, rows)):
                values: Dict[str, object] = {c: value_of(c, text) for c, text in want.items()}
                values.update({c + '_key': key_of(want.get(c)) for c in ADDRESSES})
                values['id'] = i + 1
                check_equal({c: row[c] for c in row.keys()},
                            {c: values.get(c) for c in row.keys()}, 'row %d' % i)
            # A view adds up what a CSV's reader would add up.
            check_equal(db.execute('SELECT sum(packets), sum(bytes) FROM flows').fetchone()[:],
                        tuple(sum(int(r['src_' + w]) + int(r['dst_' + w]) for r in rows) or
                              (0 if rows else None) for w in ('packets', 'wire_bytes')), 'sums')
            db.close()
            suite.run_cleave('verify', '-q', suite.path('db'), capture)
    return case


def same_bytes() -> None:
    """Whatever the run is given to work with; and in an archive, and from a pipe."""
    usable()
    capture = suite.path('c.pcap')
    suite.run_cleave('generate', 'traffic', '-q', '-o', capture, '--flows', '3000', '--packets',
                     '9000')
    def read(path: str) -> bytes:
        with open(path, 'rb') as f:
            return f.read()
    wanted = read(split(capture, suite.path('db'), '--manifest', 'sqlite'))
    for flags in (('-t', '1'), ('-t', '4', '--window', '64KiB'),
                  ('--memory', '1MiB', '--max-open', '5'), ('--verify',)):
        found = read(split(capture, suite.path('db'), '--manifest', 'sqlite', *flags))
        check(found == wanted, 'other bytes with %s', ' '.join(flags))
    path = suite.path('a.zip')
    done = suite.run_cleave('split', '-q', capture, '-o', path, '--manifest', 'sqlite', '--window',
                            '64KiB', status=None)
    if done.returncode == 0:
        harness.run([sys.executable, '-m', 'zipfile', '-e', path, suite.path('out')])
        check(read(suite.path('out', 'manifest.db')) == wanted, 'other bytes in an archive')
    with open(capture, 'rb') as f:
        shutil.rmtree(suite.path('db'))
        suite.run_cleave('split', '-q', '-', '-o', suite.path('db'), '--manifest', 'sqlite',
                         stdin=f)
    check(read(suite.path('db', 'manifest.db')) == wanted, 'other bytes from a pipe')


def alter(rng: random.Random, data: bytearray) -> None:
    what, at = rng.randrange(8), rng.randrange(len(data))
    if what == 0:
        del data[at:]
    elif what == 1:
        data += bytes(rng.randrange(256) for _ in range(rng.randrange(1, 5000)))
    elif what == 2:
        page = 4096 * rng.randrange(len(data) // 4096)
        other = 4096 * rng.randrange(len(data) // 4096)
        data[page:page + 4096] = data[other:other + 4096]
    elif what == 3:  # numbers of the header, or of a page's
        at = 4096 * rng.randrange(len(data) // 4096) + rng.randrange(12)
        data[at] = rng.choice((0, 1, 2, 5, 10, 13, 255))
    else:
        for _ in range(rng.choice((1, 1, 20))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def altered_bytes() -> None:
    """A few pages, so that chance meets what matters."""
    usable()
    rng = suite.random('altered')
    capture = suite.write('c.pcap', samples.mixed().encode())
    path = split(capture, suite.path('db'), '--manifest', 'sqlite')
    with open(path, 'rb') as f:
        whole = f.read()
    said, found, same = dump(path), 0, 0
    check(said, 'it cannot be read')
    for _ in range(harness.times(200)):
        data = bytearray(whole)
        alter(rng, data)
        if data == whole:
            continue
        with open(path, 'wb') as f:
            f.write(data)
        done = suite.run_cleave('verify', '-q', suite.path('db'), capture, status=None)
        if done.returncode == 0:
            check_equal(dump(path), said, 'what it says, and verify finds nothing')
            same += 1
        else:
            check_equal(done.returncode, 1, 'status of verify')
            check(done.stderr.startswith(b'cleave: ' + path.encode()), 'it says %r', done.stderr)
            found += 1
        for command in (['flows', suite.path('db'), '--csv'],
                        ['extract', suite.path('db'), '--flow', '1-2', '-o', '-']):
            done = suite.run_cleave(*command, status=None)
            check(done.returncode in (0, 1, 2), '%s: status %d', command[0], done.returncode)
            check(done.returncode != 2 or done.stderr.startswith(b'cleave: '), 'it says %r',
                  done.stderr)
    print('        %d found, %d say the same' % (found, same))
    check(found > 5 and same > 5, 'it is not altered as it should be')
    done = suite.run_cleave('split', '-q', '--force', capture, '-o', suite.path('db'), status=None)
    check_equal(done.returncode, 0, 'status of --force, which says %r' % done.stderr)


def main() -> int:
    cases: Dict[str, Callable[[], None]] = {
        'same-as-csv-%d' % i: same_as_csv(i) for i in range(4)}
    cases.update({'same-bytes': same_bytes, 'altered-bytes': altered_bytes})
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
