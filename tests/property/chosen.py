# SPDX-License-Identifier: BSD-2-Clause
"""Records that are chosen: filters held against tcpdump, lists and times against a plain model,
the largest flows against the manifest of all, cut packets against editcap, a dry run against a
real one.
"""
import csv
import io
import ipaddress
import os
import sys
from typing import Callable, Dict, List

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import origins
import pcapfile as pf
import reference
from harness import check, check_equal

EXPRESSIONS = (
    'tcp', 'udp port 53', 'host 192.168.1.1', 'ip6', 'tcp[tcpflags] & tcp-syn != 0',
    'greater 500', 'less 100', 'not arp', 'icmp or icmp6', 'vlan', 'portrange 1000-5000',
    'ip proto 17', 'net 10.0.0.0/8', 'ip and not tcp', 'ether broadcast', 'mpls', 'len > 60')
PAIRS = 60  # of captures from the field and expressions

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


def traffic(*flags: str) -> str:
    path = suite.path('traffic.pcap')
    suite.run_cleave('generate', 'traffic', '-q', '--force', '--flows', '300', '--packets', '6000',
                     '--ipv6', '20', '--udp', '40', '--other', '3', '-o', path, *flags)
    return path


def as_tcpdump_writes(path: str, *expression: str) -> bytes:
    """The records of a capture, as tcpdump saves them. b'' too where it cannot read the capture
    to its end: the caller asks."""
    to = suite.path('tcpdump.pcap')
    done = harness.run([harness.tool('tcpdump'), '-r', path, '-w', to, *expression])
    if done.returncode:
        raise harness.Skip(done.stderr.decode())
    with open(to, 'rb') as f:
        return f.read()[pf.FILE_HEADER_LEN:]


def one_output(capture: str, *flags: str) -> str:
    """All records that are chosen, in one output. '' where there are none."""
    out = suite.path('one')
    suite.run_cleave('split', capture, '-o', out, '-q', '--force', '--by', 'none', '--name', 'all',
                     *flags)
    found = os.path.join(out, 'all.pcapng' if os.path.exists(os.path.join(out, 'all.pcapng'))
                         else 'all')
    return found if os.path.exists(found) else ''


def check_filter(capture: str, expression: str) -> bool:
    """false: tcpdump reads this capture not at all, or not to its end."""
    try:
        as_tcpdump_writes(capture)
        wanted = as_tcpdump_writes(capture, expression)
    except harness.Skip:
        return False
    found = one_output(capture, '--filter', expression)
    records = as_tcpdump_writes(found) if found else b''
    check(records == wanted, '%s: %r takes %d bytes of records, tcpdump %d',
          os.path.basename(capture), expression, len(records), len(wanted))
    return True


def filters() -> None:
    harness.tool('tcpdump')
    for flags in ((), ('--vlan', '40'), ('--byte-order', 'big'), ('--format', 'pcap-ns')):
        path = traffic(*flags)
        for expression in EXPRESSIONS:
            check(check_filter(path, expression), 'tcpdump does not read what was generated')


def filters_field() -> None:
    top, rng = harness.shared_captures(), suite.random('field')
    harness.tool('tcpdump')
    names = sorted(n for n in os.listdir(top) if n.endswith(('.pcap', '.pcapng', '.cap')))
    done = 0
    while done < PAIRS:
        path = os.path.join(top, rng.choice(names))
        if os.path.getsize(path) > 2 << 20 or harness.run(
                [suite.cleave, 'info', path]).returncode:
            continue
        check_filter(path, rng.choice(EXPRESSIONS))
        done += 1


def bad_filter() -> None:
    done = suite.run_cleave('split', traffic(), '-o', suite.path('bad'), '--filter', 'no such word',
                            status=2)
    check(b'--filter' in done.stderr, 'what was wrong: %r', done.stderr)
    check(not os.path.exists(suite.path('bad')), 'an output is there')


def kept(saved: pf.Savefile, wanted: Callable[[Dict[str, str], pf.Record], bool]) -> List[bytes]:
    return [r.raw for r in saved.records
            if wanted(origins.endpoints(saved.format.linktype, r.data), r)]


def check_kept(path: str, wanted: Callable[[Dict[str, str], pf.Record], bool],
               *flags: str) -> None:
    saved = pf.read(path)
    records = kept(saved, wanted)
    found = one_output(path, *flags)
    data = open(found, 'rb').read()[pf.FILE_HEADER_LEN:] if found else b''
    check(data == b''.join(records), '%s: %d bytes of records instead of %d', ' '.join(flags),
          len(data), len(b''.join(records)))


def lists() -> None:
    path = traffic('--vlan', '30')
    nets = [ipaddress.ip_network(n) for n in ('10.64.0.0/10', '2001:db8:0:e000::/51')]
    ports = set(range(400, 500)) | {53, 5060}

    def has_host(e: Dict[str, str], _: pf.Record) -> bool:
        return bool(e) and any(ipaddress.ip_address(e[side]) in n for side in ('src', 'dst')
                               for n in nets)

    def has_port(e: Dict[str, str], _: pf.Record) -> bool:
        return 'sport' in e and bool({int(e['sport']), int(e['dport'])} & ports)

    def is_udp(e: Dict[str, str], _: pf.Record) -> bool:
        return e.get('proto') == '17'

    def vlan(_: Dict[str, str], r: pf.Record) -> bool:
        return r.data[12:14] == b'\x81\0' and 5 <= (r.data[14] & 15) << 8 | r.data[15] <= 60

    check_kept(path, has_host, '--host', ','.join(str(n) for n in nets))
    check_kept(path, has_port, '--port', '53,400-499,5060')
    check_kept(path, is_udp, '--proto', 'udp')
    check_kept(path, is_udp, '--proto', '17')
    check_kept(path, vlan, '--vlan', '5-60')
    check_kept(path, lambda e, r: has_port(e, r) and is_udp(e, r), '--port', '53,400-499,5060',
               '--proto', 'udp')
    for flag, text in (('--host', '10.0.0'), ('--host', '10.0.0.0/33'), ('--port', '70000'),
                       ('--port', '9-5'), ('--proto', 'tpc'), ('--vlan', '4096'),
                       ('--port', '53,')):
        done = suite.run_cleave('split', path, '-o', suite.path('no'), flag, text, status=2)
        check(flag.encode() in done.stderr, '%s %s: %r', flag, text, done.stderr)


def times() -> None:
    path = traffic('--format', 'pcap-ns')
    saved = pf.read(path)
    at = sorted(r.ts_ns for r in saved.records)[len(saved.records) // 3:][:2000]
    first, last = at[0], at[-1]
    texts = (reference.time_text(first), '%d.%09d' % divmod(first, 10**9))
    for text in texts:
        check_kept(path, lambda _, r: first <= r.ts_ns < last, '--after', text,
                   '--before', reference.time_text(last))


def rows(table: bytes) -> List[Dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.decode(), newline='')))


def largest() -> None:
    path = traffic('--fragments', '40')
    every = suite.run_cleave('split', path, '--dry-run', '-q', '--manifest', '-').stdout
    flows = [r for r in rows(every) if r['flow']]

    def size(row: Dict[str, str], what: str) -> int:
        return int(row['src_' + what]) + int(row['dst_' + what])

    def key(row: Dict[str, str]) -> List[str]:
        return [row[c] for c in ('proto', 'src', 'sport', 'dst', 'dport', 'src_packets')]

    by_size = sorted(flows, key=lambda r: (-size(r, 'captured_bytes'), int(r['flow'])))
    for flags, wanted in (
            (('--top', '7'), by_size[:7]),
            (('--top', '1000000'), flows),
            (('--min-packets', '20'), [r for r in flows if size(r, 'packets') >= 20]),
            (('--min-bytes', '9000'), [r for r in flows if size(r, 'captured_bytes') >= 9000]),
            (('--min-packets', '5', '--top', '9', '--no-other'),
             [r for r in by_size if size(r, 'packets') >= 5][:9])):
        out = suite.path('largest')
        summary = suite.split(path, out, '--force', *flags)
        with open(os.path.join(out, 'manifest.csv'), 'rb') as f:
            found = rows(f.read())
        check_equal(sorted(key(r) for r in found if r['flow']), sorted(key(r) for r in wanted),
                    ' '.join(flags))
        rest = sum(size(r, 'packets') for r in flows) - sum(size(r, 'packets') for r in wanted)
        check_equal(summary['small'], rest, '%s: records of the others' % ' '.join(flags))
        others = [r for r in found if not r['flow']]
        check_equal(sum(size(r, 'packets') for r in others),
                    0 if '--no-other' in flags else rest + summary['other'], 'records in other')
    # A pipe is kept, to be read twice.
    suite.split(path, suite.path('of a file'), '--top', '3')
    with open(path, 'rb') as f:
        suite.run_cleave('split', '-', '-o', suite.path('of a pipe'), '-q', '--top', '3',
                         input=f.read())
    of_file, of_pipe = (
        {n: d for n, d in harness.files_of(suite.path(top)).items() if n != 'cleave.json'}
        for top in ('of a file', 'of a pipe'))
    harness.check_files(of_pipe, of_file)


def dry() -> None:
    path = traffic('--fragments', '20')
    for flags in ((), ('--by', 'connection', '--every', '50p'), ('--by', 'host'), ('--inner',)):
        out = suite.path('dry')
        suite.split(path, out, '--force', *flags)
        with open(os.path.join(out, 'manifest.csv'), 'rb') as f:
            wanted = f.read()
        done = suite.run_cleave('split', path, '--dry-run', '-q', '--manifest', '-', *flags)
        check(done.stdout == wanted, '%s: another table', ' '.join(flags))
    check_equal(sorted(os.listdir(suite.dir)), ['dry', 'traffic.pcap'], 'files')


def snaplen() -> None:
    for flags in ((), ('--byte-order', 'big'), ('--format', 'pcap-ns')):
        path = traffic(*flags)
        saved = pf.read(path)
        for longest in (1, 14, 60, 61, 1000):
            found = pf.read(one_output(path, '--snaplen', str(longest)))
            check_equal([(r.ts_ns, r.origlen, r.data) for r in found.records],
                        [(r.ts_ns, r.origlen, r.data[:longest]) for r in saved.records],
                        'records of at most %d bytes' % longest)


def main() -> int:
    cases = {case.__name__.replace('_', '-'): case for case in (
        filters, filters_field, bad_filter, lists, times, largest, dry, snaplen)}
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
