# SPDX-License-Identifier: BSD-2-Clause
"""What `generate traffic --related` says of its flows, held against --related and --group.

The generator makes one flow lead to another, so it knows: no model of what payloads say is asked.
"""
import collections
import csv
import glob
import io
import os
import sys
from typing import Callable, Counter, Dict, List, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
from harness import check, check_equal

COLUMNS = ('proto', 'src', 'sport', 'dst', 'dport', 'first', 'last', 'master', 'relation', 'lag',
           'group', 'lookup', 'name')
KINDS = {'', 'dns', 'sip', 'ftp', 'tftp', 'http', 'icmp'}
OF_A_LOOKUP = 4  # records: questions for A and AAAA, and their answers
MIXES: Dict[str, Tuple[str, ...]] = {
    'v4': (),
    'mixed': ('--ipv6', '40', '--vlan', '30', '--format', 'pcapng'),
    'one-host': ('--alive', '1', '--seed', '7'),
    'crowd': ('--alive', '100000', '--seed', '9', '--ipv6', '50'),
}

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


def rows_of(path: str) -> List[Dict[str, str]]:
    with open(path, newline='', encoding='utf-8') as f:
        return list(csv.DictReader(f))


def generate(n_flows: int, *flags: str) -> Tuple[str, List[Dict[str, str]]]:
    capture, truth = suite.path('related.pcap'), suite.path('truth.csv')
    suite.run_cleave('generate', 'traffic', '--related', '-q', '-f', '--flows', str(n_flows), *flags,
                     '-o', capture, '--truth', truth)
    rows = rows_of(truth)
    check(len(rows) >= n_flows, '%d flows instead of %d', len(rows), n_flows)
    check_equal([row['flow'] for row in rows], [str(i + 1) for i in range(len(rows))], 'numbers')
    check_equal({row['relation'] for row in rows}, KINDS, 'kinds of relations')
    return capture, rows


def columns_case(mix: str) -> Callable[[], None]:
    def case() -> None:
        capture, wanted = generate(3000, *MIXES[mix])
        done = suite.run_cleave('split', capture, '-q', '--related', 'all', '--dry-run',
                                '--manifest', '-')
        found = list(csv.DictReader(io.StringIO(done.stdout.decode(), newline='')))
        compare_columns(found, wanted)
    return case


def compare_columns(found: List[Dict[str, str]], wanted: List[Dict[str, str]]) -> None:
    check_equal(len(found), len(wanted), 'flows')
    for mine, truth in zip(found, wanted):
        what = 'flow %s' % truth['flow']
        check_equal({name: mine[name] for name in COLUMNS},
                    {name: truth[name] for name in COLUMNS}, what)
        check_equal(int(mine['src_packets']) + int(mine['dst_packets']), int(truth['packets']),
                    what + ', packets')


Group = Tuple[str, str]  # number of the flow that led to all of it, and of its lookup


def groups_case(n_flows: int, *flags: str) -> Callable[[], None]:
    def case() -> None:
        capture, truth = generate(n_flows, *flags)
        out = suite.path('groups')
        summary = suite.split(capture, out, '--group', 'all')
        packets: Counter[Group] = collections.Counter()
        led: Counter[Group] = collections.Counter()
        for row in truth:
            group = (row['group'], row['lookup'])
            if row['dport'] == '53':
                continue
            packets[group] += int(row['packets'])
            led[group] += group != (row['flow'], '')
        for group in packets:
            packets[group] += OF_A_LOOKUP if group[1] else 0
        rows = rows_of(os.path.join(out, 'manifest.csv'))
        n_lookups = 0
        for row in rows:
            group = (row['group'], row['lookup'])
            n_lookups += group[1] != ''
            what = 'group %s, lookup %s' % group
            check_equal(int(row['src_packets']) + int(row['dst_packets']),
                        packets.pop(group, OF_A_LOOKUP), what + ', packets')
            check_equal(int(row['led']), led[group], what + ', flows that it led to')
        check_equal(packets, {}, 'groups that have no output')
        n_dns = sum(int(row['packets']) for row in truth if row['dport'] == '53')
        check_equal(n_lookups, n_dns // OF_A_LOOKUP, 'lookups')
        check_equal(summary['records_written'], sum(int(row['packets']) for row in truth), 'records')
    return case


def cut_short() -> None:
    """Of hellos without their end, which no later segment brings, the beginning says the name."""
    capture, truth = generate(2000)
    suite.run_cleave('split', capture, '-q', '--by', 'none', '--snaplen', '234', '-o',
                     suite.path('cut'))
    cut, = glob.glob(suite.path('cut', '*.pcap'))
    done = suite.run_cleave('split', cut, '-q', '--names', '--dry-run', '--manifest', '-')
    found = list(csv.DictReader(io.StringIO(done.stdout.decode(), newline='')))
    names = [(row['name'], wanted['name']) for row, wanted in zip(found, truth)
             if row['name_from'] == 'sni']
    check(len(names) > 150, 'no more than %d names from hellos', len(names))
    check_equal([name for name, _ in names], [name for _, name in names], 'names')


def sound() -> None:
    """tshark finds nothing to complain about."""
    capture, _ = generate(2000, '--ipv6', '40', '--vlan', '20')
    checks = [word for protocol in ('ip', 'tcp', 'udp')
              for word in ('-o', protocol + '.check_checksum:TRUE')]
    done = harness.run([harness.tool('tshark'), '-n', '-r', capture, *checks, '-Y',
                        '_ws.malformed || _ws.expert.severity >= error || ip.checksum.status == 0 || '
                        'tcp.checksum.status == 0 || udp.checksum.status == 0 || '
                        'icmp.checksum.status == 0 || icmpv6.checksum.status == 0'])
    check_equal((done.returncode, done.stdout.decode()), (0, ''), 'what tshark says')
    spoken = harness.run([harness.tool('tshark'), '-n', '-r', capture, '-q', '-z', 'io,phs']).stdout.decode()
    for protocol in ('dns', 'tls', 'quic', 'http', 'sip', 'rtp', 'rtcp', 'ftp', 'tftp', 'icmp', 'icmpv6'):
        check(protocol + ' ' in spoken, 'no %s to tshark:\n%s', protocol, spoken)


def main() -> int:
    cases: Dict[str, Callable[[], None]] = {mix: columns_case(mix) for mix in MIXES}
    cases['groups'] = groups_case(100000 if harness.FULL else 3000, '--ipv6', '30')
    cases['groups-one-host'] = groups_case(1000, '--alive', '1')
    cases['cut-short'] = cut_short
    cases['sound'] = sound
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
