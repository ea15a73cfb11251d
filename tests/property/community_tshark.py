# SPDX-License-Identifier: BSD-2-Clause
"""Community IDs of the manifest held against tshark's, for captures of the field without tunnels.

A flow's ID is that of its first record; of what is no ICMP it is that of all its records. tshark
makes IDs without ports where these cannot be read; cleave makes none, and gives later fragments
their ports: neither is compared.
"""
import collections
import concurrent.futures
import csv
import os
import shutil
import sys
import tempfile
from typing import Callable, Dict, List, Set, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapngfile as ng
from harness import check, check_equal

LEAST = 1000  # flows that are compared

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


def without_tunnels(top: str) -> List[str]:
    """Of the captures of the field."""
    with open(os.path.join(top, 'INDEX.tsv'), newline='', encoding='utf-8') as f:
        rows = list(csv.DictReader(f, delimiter='\t', quoting=csv.QUOTE_NONE))
    names = [row['file'] for row in rows if ' tunnel=' not in ' ' + (row['features'] or '')]
    return sorted(name for name in names if os.path.isfile(os.path.join(top, name)))


def ask_tshark(path: str) -> List[str]:
    """The ID of each frame; none of later fragments."""
    done = harness.run([harness.tool('tshark'), '-n', '-r', path, '--enable-protocol',
                        'communityid', '-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE',
                        '-T', 'fields', '-E', 'separator=/t', '-E', 'occurrence=f',
                        '-e', 'ip.frag_offset', '-e', 'ipv6.fraghdr.offset', '-e', 'communityid'])
    check_equal(done.returncode, 0, 'tshark, which says %s' % done.stderr.decode())
    frames = [line.split('\t') for line in done.stdout.decode().split('\n')[:-1]]
    return [found if {four, six} <= {'', '0'} else '' for four, six, found in frames]


def read(path: str) -> List[tuple]:
    with open(path, 'rb') as f:
        return [(p.interface.linktype, p.ts, p.origlen, p.data)
                for p in ng.of_kind(ng.blocks(f.read()), ng.Packet)]


def ask_both(path: str) -> Tuple[int, List[str]]:
    """How many flows were compared; what differs."""
    top = tempfile.mkdtemp(prefix='cleave-test-', dir=harness.working_place())
    try:
        one, by = os.path.join(top, 'one'), os.path.join(top, 'flows')
        for output, key in ((one, 'none'), (by, 'flow')):
            done = harness.run([suite.cleave, 'split', path, '-q', '--output', output, '--by', key,
                                '--format', 'pcapng', '--no-metadata', '--name', '{n}.pcapng'])
            if done.returncode == 2:
                raise harness.Skip('no capture')
        whole = os.path.join(one, '1.pcapng')
        if not os.path.exists(whole):
            raise harness.Skip('no records')
        records, frames = read(whole), ask_tshark(whole)
        check_equal(len(frames), len(records), 'frames that tshark reads')
        # Equal records are of one flow, and have one ID.
        told: Dict[tuple, Set[str]] = collections.defaultdict(set)
        for record, found in zip(records, frames):
            told[record].add(found)
        with open(os.path.join(by, 'manifest.csv'), newline='', encoding='utf-8') as f:
            rows = [r for r in csv.DictReader(f) if r['flow']]
        if rows and 'community_id' not in rows[0]:
            raise harness.Skip('this build has no Community IDs')
        n, faults = 0, []
        for row in rows:
            mine = read(os.path.join(by, row['file']))
            if row['proto'] in ('icmp', 'icmp6'):
                mine = mine[:1]
            elif row['proto'] in ('tcp', 'udp', 'sctp') and not row['sport']:
                check_equal(row['community_id'], '', 'the ID of a flow without ports')
                continue
            theirs = set().union(*(told[r] for r in mine)) - {''}
            if not theirs:
                continue
            n += 1
            if theirs != {row['community_id']}:
                faults.append('%s %s %s %s %s: %s instead of %s' % (
                    row['proto'], row['src'], row['sport'], row['dst'], row['dport'],
                    row['community_id'] or 'none', ' and '.join(sorted(theirs))))
        return n, faults
    finally:
        shutil.rmtree(top, ignore_errors=True)


n_compared = 0


def capture_case(told: 'concurrent.futures.Future') -> Callable[[], None]:
    def case() -> None:
        global n_compared
        n, faults = told.result()
        n_compared += n
        check(not faults, '%d of %d flows differ: %s', len(faults), n, '; '.join(faults[:5]))
    return case


def enough() -> None:
    if suite.args.only != '*':
        raise harness.Skip('not all captures were compared')
    check(n_compared >= LEAST, 'no more than %d flows were compared', n_compared)


def main() -> int:
    try:
        tshark = harness.tool('tshark')
        listed = harness.run([tshark, '-G', 'protocols']).stdout
        if b'\tcommunityid\n' not in listed:
            raise harness.Skip('this tshark knows no Community IDs')
        top = harness.shared_captures()
    except harness.Skip as why:
        return suite.run({'tshark': harness.skipped(why)})
    cases: Dict[str, Callable[[], None]] = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name in without_tunnels(top):
            cases[name] = capture_case(pool.submit(ask_both, os.path.join(top, name)))
        cases['enough'] = enough
        return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
