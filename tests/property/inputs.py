# SPDX-License-Identifier: BSD-2-Clause
"""Properties of captures as they lie in directories and lists.

Whatever names which captures, in whatever way, they are split as one capture is that has all their
records: in the order of names as people count, of a list, or of first records. Which files count,
which are left out and named, and in which order, is modelled here.
"""
import gzip
import json
import os
import random
import re
import shutil
import sys
from typing import Dict, List, Optional, Sequence, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
from harness import check, check_equal

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


class File:
    """One of them: its path, its bytes, and its records if it is a capture that can be read."""

    def __init__(self, path: str, data: bytes, records: Optional[List[pf.Packet]] = None) -> None:
        self.path, self.data, self.records = path, data, records

    @property
    def is_bad(self) -> bool:
        return self.records is None

    @property
    def first_ns(self) -> float:
        return self.records[0].ts_ns if self.records else float('inf')


def natural(path: str) -> Tuple[List[Tuple[int, int]], str]:
    """Numbers by their value; a directory's end before any longer name."""
    return [(50, int(part)) if part.isdigit() else (1, 0) if part == '/' else (2 + ord(part), 0)
            for part in re.findall(r'\d+|\D', path)], path


def packets(rng: random.Random, start_ns: int) -> List[pf.Packet]:
    frames = [pf.frame('10.0.0.%d' % rng.randrange(4), '10.0.1.%d' % rng.randrange(4), pf.UDP,
                       pf.udp('10.0.0.1', '10.0.1.1', 1, rng.randrange(4), rng.randbytes(20)))
              for _ in range(rng.choice((0, 1, 2, 10)))]
    return list(pf.at_times(frames, start_ns))


def name(rng: random.Random) -> str:
    return rng.choice((
        't.pcap%s' % rng.choice(('', rng.randrange(120), '0%d' % rng.randrange(9))),
        '%d-%d.pcap' % (rng.randrange(12), rng.randrange(12)),
        rng.choice('aZ_-') + rng.choice(('', '.cap', ' b', '\n', '\u00e9')) + str(rng.randrange(20)),
    ))


def tree(rng: random.Random, top: str) -> Tuple[List[File], List[File]]:
    """The files below a directory: captures, or what may be meant as one, and all others that are
    looked at."""
    captures, others, taken = [], [], set()
    folders = [top] + [os.path.join(top, sub) for sub in ('b', 'b/10', 'b/9', 'z')]
    for folder in folders:
        os.makedirs(folder)
    for _ in range(rng.randrange(1, 25)):
        path = os.path.join(rng.choice(folders), name(rng))
        if path in taken:
            continue
        taken.add(path)
        kind = rng.random()
        if kind < 0.75:
            records = packets(rng, rng.randrange(1, 6) * 10**9)
            data = pf.Capture(pf.Format(), records).encode()
            captures.append(File(path, gzip.compress(data) if rng.random() < 0.2 else data, records))
        elif kind < 0.8:
            captures.append(File(path, rng.choice((b'', b'', pf.Capture(pf.Format(), []).encode()[:20],
                                                   b'snoop\0\0\0' + bytes(16)))))
        elif kind < 0.9:
            others.append(File(path, rng.choice((b'text', b'x', gzip.compress(b'some text'),
                                                 rng.randbytes(40)))))
        else:
            path = os.path.join(os.path.dirname(path), '.' + os.path.basename(path))
            with open(path, 'wb') as f:
                f.write(b'hidden')
    for file in captures + others:
        with open(file.path, 'wb') as f:
            f.write(file.data)
    return captures, others


def without_books(path: str) -> Dict[str, bytes]:
    found = harness.files_of(path)
    del found['cleave.json']
    return found


def check_split(args: Sequence[str], files: Sequence[File], skips: bool, **more) -> None:
    """That of these words is that of all records in the files' order; or there is nothing to do."""
    what = ' '.join(args)
    good, bad = [f for f in files if not f.is_bad], [f for f in files if f.is_bad]
    stops = not good or (any(f.data for f in bad) and not skips)
    done = suite.run_cleave('split', '-q', '-f', '-o', suite.path('out'), *args,
                            *(['--skip-bad'] if skips else []), status=None, **more)
    check_equal(done.returncode, 2 if stops else 1 if bad else 0, '%s: status: %r' % (what, done.stderr))
    told = done.stderr.decode()
    for file in bad:  # what is told is fit for a terminal
        name = re.sub('[\x00-\x1f]', lambda m: '\\x%02x' % ord(m[0]), file.path)
        check('cleave: %s: ' % name in told, '%s: %s is not named: %s', what, name, told)
    if stops:
        return
    with open(suite.path('out', 'cleave.json'), encoding='utf-8') as f:
        said = json.load(f)['inputs']
    check_equal([i['file'] for i in said], [f.path for f in files], what + ': inputs')
    check_equal(['left_out' in i for i in said], [f.is_bad for f in files], what + ': left out')
    records = [packet for file in good for packet in file.records or []]
    whole = suite.write('whole.pcap', pf.Capture(pf.Format(), records).encode())
    suite.run_cleave('split', '-q', '-f', '-o', suite.path('model'), whole)
    harness.check_files(without_books(suite.path('out')), without_books(suite.path('model')))
    suite.run_cleave('verify', '-q', suite.path('out'))


def directories() -> None:
    rng = suite.random('directories')
    for i in range(harness.times(60)):
        top = suite.path('captures')
        captures, _ = tree(rng, top)
        flags, skips = rng.choice(((), ('-t', '1'), ('--window', '4KiB'))), rng.random() < 0.8
        flat = sorted((f for f in captures if os.path.dirname(f.path) == top),
                      key=lambda f: natural(f.path))
        check_split((top, *flags), flat, skips)
        deep = sorted(captures, key=lambda f: natural(f.path))
        check_split((top + '/' * rng.randrange(3), '--recursive', *flags), deep, skips)
        check_split((top, '--recursive', '--sort', 'time'), sorted(deep, key=lambda f: f.first_ns),
                    skips)
        rng.shuffle(captures)
        end = rng.choice((b'\n', b'\0'))
        listed = [f for f in captures if end == b'\0' or '\n' not in f.path]
        first = rng.randrange(2) if len(listed) > 1 else 0  # by the command line
        names = b''.join(f.path.encode() + end for f in listed[first:])
        paths = [f.path for f in listed[:first]]
        check_split(('--files-from', '-', *paths), listed, skips, input=names)
        check_split(('--files-from', suite.write('list', names), '--sort', 'time', *paths),
                    sorted(listed, key=lambda f: f.first_ns), skips)
        shutil.rmtree(top)


def single() -> None:
    """The one output is, as a file or through a pipe, what a directory has of it."""
    rng = suite.random('single')
    for i in range(harness.times(40)):
        records = [p for _ in range(rng.choice((1, 3, 40))) for p in packets(rng, 10**9)]
        path = suite.write('a.pcap', pf.Capture(pf.Format(big_endian=i % 2 == 0), records).encode())
        flags: List[str] = []
        for some in ((), ('--snaplen', '40'), ('--host', '10.0.0.%d' % rng.randrange(4))), \
                ((), ('--format', 'pcapng')), ((), ('-t', '1'), ('-t', '2', '--window', '4KiB')):
            flags += rng.choice(some)
        suite.run_cleave('split', '-q', '-f', '--by', 'none', '--name', 'all', *flags, '-o',
                         suite.path('model'), path)
        wanted = [data for name, data in harness.files_of(suite.path('model')).items()
                  if name.startswith('all')]
        check(len(wanted) < 2, 'several outputs')
        status, to = (0, suite.path('one.pcap')) if wanted else (1, suite.path('none.pcap'))
        piped = suite.run_cleave('split', '-q', *flags, '-o', '-', path, status=status).stdout
        check_equal(piped, b''.join(wanted), 'to a pipe: ' + ' '.join(flags))
        suite.run_cleave('split', '-q', '-f', *flags, '-o', to, path, status=status)
        if wanted:
            with open(to, 'rb') as f:
                check_equal(f.read(), wanted[0], 'to a file: ' + ' '.join(flags))
        check_equal(os.path.exists(suite.path('none.pcap')), False, 'nothing was made of nothing')


def main() -> int:
    return suite.run({'directories': directories, 'single': single})


if __name__ == '__main__':
    sys.exit(main())
