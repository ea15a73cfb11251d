#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The library as its users have it: the examples run, what is installed is complete, wherever it
lies, and what is exported is what the headers declare.
"""
import csv
import glob
import os
import re
import sys
from typing import Callable, Dict, List, Set

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import harness  # noqa: E402
from harness import Skip, check, check_equal  # noqa: E402
import pcapfile as pf  # noqa: E402
import samples  # noqa: E402


def more_flags(parser) -> None:
    parser.add_argument('--build', required=True, help="meson's build directory")
    parser.add_argument('--cc', required=True, help='the compiler')
    parser.add_argument('examples', nargs='*', help='the examples, built')


suite = harness.Suite(__doc__ or '', more_flags)


def capture() -> str:
    return suite.write('a.pcap', samples.mixed().encode())


EXAMPLES = 'flows', 'packets', 'split', 'table'


def check_examples(flows: str, packets: str, split: str, table: str, env: Dict[str, str]) -> None:
    check_table(table, env)
    path = capture()
    saved = pf.parse(samples.mixed().encode())
    done = harness.run([flows, path], env=env)
    check_equal(done.returncode, 0, 'status of flows, which says %r' % done.stderr)
    whole = harness.run([flows, suite.path('none.pcap')], env=env)
    check_equal((whole.returncode, b'cannot be opened' in whole.stderr), (1, True), 'no capture')
    told = suite.split(path, suite.path('told'), '--by', 'connection')
    check_equal(len(done.stdout.splitlines()), told['records_read'] - told['other'],
                'packets with an address')
    done = harness.run([packets, path], env=env)
    check_equal((done.returncode, done.stderr), (0, b''), 'status of packets')
    lines = done.stdout.decode().splitlines()
    check_equal([line.split('\t')[0] for line in lines],
                [str(n + 1) for n in range(len(saved.records))], 'packets')
    check_equal(sum(line.split('\t')[1] == 'other' for line in lines), told['other'],
                'packets without an address')
    done = harness.run([split, suite.path('out'), path], env=env)
    check_equal(done.returncode, 0, 'status of split, which says %r' % done.stderr)
    check_equal(done.stdout.decode(), '%d records in %d files\n' % (
        len(saved.records), told['outputs']), 'what split says')
    harness.check_files(harness.files_of(suite.path('out')), harness.files_of(suite.path('told')))


def examples() -> None:
    check_examples(*suite.args.examples, dict(os.environ))


def check_table(program: str, env: Dict[str, str]) -> None:
    done = harness.run([program, capture()], env=env)
    check_equal((done.returncode, done.stderr), (0, b''), 'what table says on errors')
    told = suite.split(capture(), suite.path('rows'))
    with open(suite.path('rows/manifest.csv'), newline='', encoding='utf-8') as f:
        rows = list(csv.DictReader(f))
    want = ['%s %s of %s bytes' % (
        row['file'].split('_', 1)[1][:-5] if row['flow'] else 'other',
        int(row['src_packets']) + int(row['dst_packets']),
        int(row['src_wire_bytes']) + int(row['dst_wire_bytes'])) for row in rows]
    check_equal(len(want), told['outputs'], 'rows')
    check_equal(done.stdout.decode().splitlines(), want, 'what table says')


def installed() -> str:
    """Installs into a directory of its own. Gives what is the root there."""
    meson = harness.tool('meson')
    root = suite.path('root')
    done = harness.run([meson, 'install', '-C', suite.args.build, '--no-rebuild', '--quiet',
                        '--destdir', root])
    check_equal(done.returncode, 0, 'status of meson install: %r' % done.stderr)
    return root


def of_package(root: str, *args: str) -> List[str]:
    """What pkg-config says of cleave there."""
    pkg_config = harness.tool('pkg-config')
    found = glob.glob(os.path.join(root, '**', 'cleave.pc'), recursive=True)
    check_equal(len(found), 1, 'cleave.pc')
    env = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(found[0]),
               PKG_CONFIG_SYSROOT_DIR=root)
    done = harness.run([pkg_config, *args, 'cleave'], env=env)
    check_equal(done.returncode, 0, 'status of pkg-config: %r' % done.stderr)
    return done.stdout.decode().split()


def one_installed(root: str, name: str) -> str:
    """An example, where an installation puts it."""
    found = glob.glob(os.path.join(root, '**', 'doc', 'cleave', 'examples', name), recursive=True)
    check_equal(len(found), 1, name)
    return found[0]


def installation() -> None:
    if suite.args.sanitized:
        raise Skip('a library with sanitizers needs programs with them')
    root = installed()
    words = of_package(root, '--cflags', '--libs')
    library = of_package(root, '--variable=libdir')[0]
    if not library.startswith(root):
        library = root + library
    built = []
    for source in [one_installed(root, name + '.c') for name in EXAMPLES]:
        built.append(suite.path(os.path.basename(source)[:-2]))
        done = harness.run([*suite.args.cc.split(), '-o', built[-1], source, *words])
        check_equal(done.returncode, 0, '%s does not compile: %s' % (source, done.stderr.decode()))
    env = dict(os.environ, LD_LIBRARY_PATH=library)
    check_examples(*built, env)


def declared() -> Set[str]:
    headers = os.path.join(harness.SOURCE_ROOT, 'include', 'cleave')
    names: Set[str] = set()
    for path in glob.glob(os.path.join(headers, '*.h')):
        with open(path, encoding='utf-8') as f:
            for text in re.findall(r'^CLV_API[^;]*;', f.read(), re.M):
                names.add(re.search(r'(clv_\w+)\(', text).group(1))
    return names


def exports() -> None:
    nm = harness.tool('nm')
    if suite.args.sanitized:
        raise Skip('sanitizers export names of their own')
    found = glob.glob(os.path.join(suite.args.build, 'src', 'libcleave.so'))
    if not found:
        raise Skip('there is no libcleave.so on this system')
    done = harness.run([nm, '-D', '--defined-only', found[0]])
    names = {line.split()[-1].split('@')[0] for line in done.stdout.decode().splitlines()
             if line.split()[-2] in 'TBDRV'}
    check_equal(names, declared(), 'names that libcleave.so exports')
    check(len(names) > 20, 'few names')


def main() -> int:
    cases: Dict[str, Callable[[], None]] = {
        'examples': examples, 'installation': installation, 'exports': exports}
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
