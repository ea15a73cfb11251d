# SPDX-License-Identifier: BSD-2-Clause
"""Captures in, the names, records and digests of all outputs compared with what was reviewed once.

A case is a capture of tests/support/samples.py and the flags of a split. What is expected lies in
expected/CASE.txt: first the command, then for every file of the output directory its records (- for
what is no savefile), its bytes, the start of its SHA-256, and its name. --update writes it anew;
review the difference.
"""
import argparse
import difflib
import hashlib
import os
import re
import shlex
import sys
from typing import Callable, Dict, List, Tuple

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
import samples

EXPECTED = os.path.join(HERE, 'expected')
TUTORIAL = '{input}_flow-{n}.pcap'

CASES: Dict[str, Tuple[str, List[str]]] = {
    'flow': ('mixed', []),
    '3tuple': ('mixed', ['--by', '3tuple']),
    'hostpair': ('mixed', ['--by', 'hostpair']),
    'directed': ('mixed', ['--directed']),
    'hostpair-directed': ('mixed', ['--by', 'hostpair', '--directed']),
    'tutorial-names': ('mixed', ['--by', 'hostpair', '--name', TUTORIAL]),
    'names-by-key': ('mixed', ['--name', '{proto}/{src}_{sport}-{dst}_{dport}.pcap']),
    'names-by-time': ('mixed', ['--name', '{first}.pcap']),
    'no-other': ('mixed', ['--no-other']),
    'jsonl': ('mixed', ['--manifest', 'jsonl']),
    'no-manifest': ('mixed', ['--manifest', 'none']),
    'big-endian': ('mixed-big', []),
    'nanoseconds': ('mixed-ns', []),
    'nanoseconds-big-endian': ('mixed-ns-big', []),
    'modified': ('mixed-modified', []),
    'modified-big-endian': ('mixed-modified-big', []),
    'fcs': ('mixed-fcs', []),
    'raw': ('raw', []),
    'raw-12': ('raw-12', []),
    'cooked': ('cooked', []),
    'fragments': ('fragmented', []),
    'fragments-3tuple': ('fragmented', ['--by', '3tuple', '--manifest', 'jsonl']),
    'ipv6-extensions': ('extensions', []),
    'snapped': ('snapped', []),
    'tags': ('tags', []),
    'tunnels': ('tunnels', []),
    'unknown-link-type': ('unknown-link', []),
    'no-records': ('no-records', []),
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--update', action='store_true', help='write the expectations anew')


suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0], add_flags)


def describe(command: str, output: str) -> str:
    lines = ['$ %s\n' % command]
    for name, data in sorted(harness.files_of(output).items()):
        if name.endswith('/'):
            continue
        if name == 'cleave.json':  # tells the version
            data = re.sub(rb'("cleave": )"[^"]*"', rb'\1"@VERSION@"', data)
        records = '-'
        if name.endswith('.pcap'):
            saved = pf.parse(data)
            harness.check(saved.damage_at is None, '%s is damaged at byte %s', name,
                          saved.damage_at)
            records = str(len(saved.records))
        lines.append('%4s %6d %s %s\n' % (records, len(data),
                                          hashlib.sha256(data).hexdigest()[:32], name))
    return ''.join(lines)


def check_community_ids() -> None:
    """The expectations have them, also where no flow has one: a column of its own."""
    capture = suite.write('probe.pcap', samples.SAMPLES['no-records']().encode())
    suite.run_cleave('split', capture, '--output', suite.path('probe'))
    with open(suite.path('probe', 'manifest.csv'), 'rb') as f:
        if b'community_id' not in f.read():
            raise harness.Skip('this build computes no Community IDs')


def golden(name: str, sample: str, flags: List[str]) -> Callable[[], None]:
    def case() -> None:
        check_community_ids()
        # Names in cleave.json and in templates come from the input: no directory before it.
        suite.write('%s.pcap' % sample, samples.SAMPLES[sample]().encode())
        args = ['split', '%s.pcap' % sample, '--output', 'out', *flags]
        suite.run_cleave(*args, cwd=suite.dir)
        found = describe(shlex.join(['cleave', *args]), suite.path('out'))
        path = os.path.join(EXPECTED, name + '.txt')
        if suite.args.update:
            os.makedirs(EXPECTED, exist_ok=True)
            with open(path, 'w', encoding='utf-8') as f:
                f.write(found)
            return
        harness.check(os.path.exists(path), '%s is missing; --update writes it', path)
        with open(path, encoding='utf-8') as f:
            wanted = f.read()
        if found != wanted:
            raise harness.Failed('differs\n' + ''.join(difflib.unified_diff(
                wanted.splitlines(True), found.splitlines(True), 'wanted', 'found')))
    return case


if __name__ == '__main__':
    sys.exit(suite.run({name: golden(name, *how) for name, how in CASES.items()}))
