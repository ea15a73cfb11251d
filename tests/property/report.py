# SPDX-License-Identifier: BSD-2-Clause
"""The page of --report: its rows against the manifest, its figures against a plain model of the
records, its place, and that it appears with the outputs or not at all. How it looks is
report_browser.py's.
"""
import csv
import datetime
import os
import random
import re
import shutil
import subprocess
import sys
import time
from typing import Callable, Dict, List, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
import pcapngfile as ng
import pcapngsamples as made
import reportpage
import samples
from harness import check, check_equal

S = 10**9
BINS, ROWS, TOP = 512, 100000, 20
# Widths of bins in ns: each divides the next.
WIDTHS = [x * unit for unit, leads in (
    (10**3, (1, 2, 10, 20, 100, 200)), (10**6, (1, 2, 10, 20, 100, 200)), (S, (1, 2, 10, 20)),
    (60 * S, (1, 2, 10, 20)), (3600 * S, (1, 2, 6, 12)), (86400 * S, (1, 2, 10, 20, 100, 200, 1000))
) for x in leads]

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


def mixed(name: str, rng: random.Random, n: int, spread_ns: int, start_ns: int) -> str:
    """Records of TCP, UDP, ICMP and ARP, of some hosts, at random times, some of them cut."""
    packets = []
    for _ in range(n):
        src, dst = ('10.0.%d.%d' % (rng.randrange(3), rng.randrange(9)) for _ in range(2))
        size = rng.choice((0, 1, 10, 400, 1400))
        kind = rng.choice((pf.TCP, pf.TCP, pf.UDP, pf.SCTP, pf.ICMP, 0))
        if kind == 0:
            data = pf.ethernet(pf.arp(src, dst), pf.TYPE_ARP)
        elif kind == pf.ICMP:
            data = pf.frame(src, dst, kind, pf.icmp(payload=bytes(size)))
        else:
            data = pf.frame(src, dst, kind, pf.transport(
                kind, src, dst, rng.choice((40000, 50001)), rng.choice((53, 80, 443)), bytes(size)))
        packets.append(pf.Packet(data, start_ns + rng.randrange(spread_ns + 1),
                                 len(data) + rng.choice((0, 0, 999))))
    return suite.write(name, pf.Capture(pf.Format(kind='ns'), packets).encode())


def split(capture: str, *flags: str) -> Tuple[reportpage.Page, List[Dict[str, str]]]:
    """The page and the manifest."""
    out, page = suite.path('out'), suite.path('report.html')
    suite.split(capture, out, '--force', '--report', page, *flags)
    with open(os.path.join(out, 'manifest.csv'), newline='', encoding='utf-8') as f:
        return reportpage.read(page), list(csv.DictReader(f))


# ---- rows ----

def as_manifest(page: reportpage.Page) -> List[Dict[str, str]]:
    return [{name: '' if value is None else str(value) for name, value in row.items()}
            for row in page.as_dicts()]


def rows() -> None:
    rng = suite.random('rows')
    capture = mixed('a.pcap', rng, 600, 5 * S, S)
    for flags in ([], ['--by', 'connection', '--idle-timeout', '1s'], ['--by', 'host'],
                  ['--by', 'vlan,mac,proto'], ['--shards', '3'], ['--directed', '--by', '3tuple'],
                  ['--inner'], ['--by', 'none'], ['--by', 'client,service'], ['--top', '5'],
                  ['--max-packets-per-flow', '2'], ['--every', '1s'], ['--threads', '1']):
        page, manifest = split(capture, *flags)
        by_name = {row['file']: row for row in manifest}
        check_equal({row['file']: row for row in as_manifest(page)}, by_name, '%s: rows' % flags)
        check_equal(len(page.rows), len(manifest), '%s: rows' % flags)


def largest_rows() -> None:
    """Of more flows than the page has rows for, those with most bytes."""
    page_path, table = suite.path('r.html'), suite.path('table.csv')
    capture = suite.path('many.pcap')
    suite.run_cleave('generate', 'traffic', '-q', '--flows', '103000', '--packets', '250000',
                     '-o', capture)
    with open(table, 'wb') as f:
        suite.run_cleave('split', '--dry-run', '-q', '-m', '-', '--report', page_path, capture,
                         stdout=f)
    with open(table, newline='', encoding='utf-8') as f:
        sizes = sorted(((-int(row['src_wire_bytes']) - int(row['dst_wire_bytes']),
                         int(row['flow'])) for row in csv.DictReader(f)))
    page = reportpage.read(page_path)
    found = sorted((-row['src_wire_bytes'] - row['dst_wire_bytes'], row['flow'])
                   for row in page.as_dicts())
    check_equal(len(found), ROWS, 'rows')
    check(found == sizes[:ROWS], 'the rows are not those of the largest flows')
    check_equal(page.figures['result']['flows'], 103000, 'flows')
    check_equal(page.figures['links'], None, 'links of a dry run')


# ---- figures ----

def numbers(row: Dict[str, str], what: str) -> int:
    return int(row['src_' + what]) + int(row['dst_' + what])


def nanoseconds(text: str) -> int:
    whole, fraction = text.rstrip('Z').split('.')
    at = datetime.datetime.fromisoformat(whole + '+00:00') - datetime.datetime(
        1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (at.days * 86400 + at.seconds) * S + int(fraction)


def bucket(value: int) -> int:
    return 0 if value == 0 else max(
        lead * 10**power for power in range(20) for lead in (1, 2, 5) if lead * 10**power <= value)


# From 10 seconds on, durations are told as a clock has them.
CLOCK = [x * S for x in (10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 18000, 36000)] + [
    x * 10**power * 86400 * S for power in range(6) for x in (1, 2, 5)]


def lasting(ns: int) -> int:
    return bucket(ns) if ns < CLOCK[0] else max(x for x in CLOCK if x <= ns)


class Sums(Dict):
    """What -> [flows, packets, bytes]."""

    def count(self, what: object, row: Dict[str, str], sent_alone: bool = False) -> None:
        packets, wire = (int(row['src_' + x]) if sent_alone else numbers(row, x)
                         for x in ('packets', 'wire_bytes'))
        for i, n in enumerate((1, packets, wire)):
            self.setdefault(what, [0, 0, 0])[i] += n

    def top(self, key: Callable) -> List[List]:
        return [[what, *sums] for what, sums in
                sorted(self.items(), key=lambda x: (-x[1][2], key(x[0])))[:TOP]]


def service_of(row: Dict[str, str]) -> str:
    return '%s/%s' % (row['proto'], row['service'])


def check_figures(page: reportpage.Page, manifest: List[Dict[str, str]], by_host: bool = False) -> None:
    """by_host: records are in the outputs of both their hosts, and count once in sums."""
    protos, services, hosts, sizes, durations = Sums(), Sums(), Sums(), Sums(), Sums()
    for row in manifest:
        if not row['flow']:
            protos.count('other', row)
            continue
        protos.count(row['proto'] or 'any', row, by_host)
        sizes.count(bucket(numbers(row, 'wire_bytes')), row)
        durations.count(lasting(nanoseconds(row['last']) - nanoseconds(row['first'])), row)
        if row['proto'] in ('tcp', 'udp', 'sctp') and row['sport']:
            services.count(service_of(row), row)
        for address in {row['src'], row['dst']} - {''}:
            hosts.count(address, row)
    figures = page.figures
    check_equal({x[0]: x[1:] for x in figures['protocols']}, protos, 'protocols')
    check_equal(figures['services'], services.top(lambda x: int(x.split('/')[1])), 'services')
    check_equal(figures['hosts'], hosts.top(pf.address), 'hosts')
    check_equal(figures['host_count'], len(hosts), 'number of hosts')
    for name, wanted in (('sizes', sizes), ('durations', durations)):
        check_equal({x[0]: x[1:] for x in figures[name] if x[1]}, wanted, name)
        check_equal(figures[name][-1][1:], [0, 0, 0], name + ': where the last one ends')


def check_timeline(figures: Dict, capture: str, has_protocols: bool) -> None:
    """Every width but the finest that suffices would do for a picture; only that one is right."""
    records = pf.read(capture).records
    times = [record.ts_ns for record in records]
    width = next(w for w in WIDTHS if max(times) // w - min(times) // w < BINS)
    check_equal(figures['width_ns'], width, 'width of bins')
    check_equal(figures['first_bin'], min(times) // width, 'first bin')
    wanted = [[0] * 4 for _ in range(max(times) // width - min(times) // width + 1)]
    for record in records:
        line = wanted[record.ts_ns // width - min(times) // width]
        is_ip = record.data[12:14] == b'\x08\x00'
        line[0] += 1
        proto = record.data[23] if is_ip and has_protocols else 0
        line[1 + {pf.TCP: 0, pf.UDP: 1}.get(proto, 2)] += record.origlen
    check_equal(figures['timeline'], wanted, 'timeline')
    check_equal(figures['far'], 0, 'records far off')


def figures() -> None:
    rng = suite.random('figures')
    for i, spread in enumerate((0, 1, 999, 511999, 512000, 10**6 * 777, 100 * S, 86400 * S * 300,
                                86400 * S * 9999, 2**32 * S - 2 * S)):
        for flags in ([], ['--memory', '1MiB', '--threads', '3'], ['--by', 'host,proto'],
                      ['--by', 'host']):
            capture = mixed('%d.pcap' % i, rng, rng.choice((1, 3, 400)), spread, rng.choice((0, S)))
            page, manifest = split(capture, *flags)
            check_figures(page, manifest, by_host='--by' in flags)
            check_timeline(page.figures, capture, 'host' not in flags)


def port_names() -> None:
    """By transport: of the names of a port the one that people use."""
    page, _ = split(mixed('a.pcap', suite.random('ports'), 9, S, S))
    names = page.figures['port_names']
    for port, name in (('tcp/443', 'https'), ('udp/443', 'https'), ('udp/53', 'dns'), ('tcp/80', 'http'),
                       ('udp/67', 'dhcp'), ('tcp/445', 'smb'), ('udp/22', None), ('tcp/123', None)):
        check_equal(names.get(port), name, port)


def many_hosts() -> None:
    """More of them than the memory has room for: they leave it, and are counted all the same."""
    capture = suite.path('flood.pcap')
    suite.run_cleave('generate', 'synflood', '--count', '30000', '-o', capture)
    with open(capture, 'ab') as f:  # one more of the first packet: that source sent two
        f.write(pf.read(capture).records[0].raw)
    wanted = None
    for memory in ('1MiB', '512MiB'):
        page, manifest = split(capture, '--memory', memory, '--by', '3tuple')
        check_figures(page, manifest)
        check_equal(page.figures['host_count'], 30001, 'number of hosts')
        check(wanted is None or wanted == page.figures['hosts'], 'memory changes the hosts')
        wanted = page.figures['hosts']


def whatever_the_threads() -> None:
    """The same page, byte for byte; also where what is no flow has many outputs."""
    capture = mixed('a.pcap', suite.random('threads'), 3000, 90 * S, 5 * S)
    for cuts in ([], ['--by', 'connection', '--every', '20s']):
        seen = set()
        for flags in (['--threads', '1'], ['--threads', '4'], ['--max-open', '3'],
                      ['--window', '4096', '--memory', '1MiB']):
            split(capture, *flags, *cuts)
            with open(suite.path('report.html'), 'rb') as f:
                seen.add(f.read())
        check_equal(len(seen), 1, '%s: different pages' % cuts)


# ---- names, and what led to what ----

def lookups(rng: random.Random, n: int) -> str:
    """As many by one socket, each of which led to some flows; and all kinds in a sample."""
    def udp(a: str, b: str, sport: int, dport: int, payload: bytes) -> bytes:
        return pf.frame(a, b, pf.UDP, pf.udp(a, b, sport, dport, payload))
    client, resolver = samples.CLIENT, samples.RESOLVER
    frames = []
    for i in range(n):
        name, addr = 'host-%d.example' % i, '198.51.100.%d' % (i + 1)
        frames += [udp(client, resolver, 40001, 53, samples.dns(i, name)),
                   udp(resolver, client, 53, 40001, samples.dns(i, name, addr))]
        frames += [udp(client, addr, 41000 + k, 9, bytes(rng.choice((10, 10, 500))))
                   for k in range(rng.randrange(4))]
    records = [packet.data for packet in samples.related().packets]
    return suite.write('lookups.pcap', pf.Capture(
        pf.Format(), pf.at_times(records + frames, samples.NOON)).encode())


def related() -> None:
    """The sums of what led to what, and the largest groups with their names."""
    capture = lookups(suite.random('related'), 200)
    grouped, groups = split(capture, '--group', 'all')
    page, manifest = split(capture, '--related', 'all')
    check_equal(as_manifest(page), manifest, 'rows')
    led, members = Sums(), Sums()
    for row in manifest:
        if row['relation']:
            led.count(row['relation'], row)
        members.count((int(row['group']), int(row['lookup'] or 0)), row)
    check_equal({x[0]: x[1:] for x in page.figures['led']['kinds']}, led, 'relations')
    check_equal(sorted(led), ['dns', 'ftp', 'http', 'icmp'], 'relations')
    called = {(int(row['group']), int(row['lookup'] or 0)): row['name'] for row in groups}
    several = Sums({what: sums for what, sums in members.items() if what[1] or sums[0] > 1})
    largest = sorted(several.items(), key=lambda x: (-x[1][2], x[0]))
    check(len(largest) > 100, 'all of the groups are listed')
    check_equal(page.figures['led']['group_count'], len(largest), 'groups')
    check_equal(page.figures['led']['groups'],
                [[*what, called[what], *sums] for what, sums in largest[:100]], 'largest groups')
    # Of groups, flows are counted.
    check_equal(as_manifest(grouped), groups, 'rows of groups')
    check_equal({x[0]: x[1] for x in grouped.figures['led']['kinds']},
                {what: sums[0] for what, sums in led.items()}, 'relations in groups')
    check_equal(grouped.figures['led']['groups'], [], 'groups of groups')
    check_equal('led' in split(capture, '--names')[0].figures, False, 'only names')


def related_is_proven() -> None:
    """verify makes the page again, and threads do not change it."""
    capture = lookups(suite.random('proven'), 200)
    for flags in (['--related', 'all'], ['--group', 'dns'], ['--names']):
        seen = set()
        for more in (['--threads', '1'], ['--threads', '4', '--memory', '1MiB', '--window', '4096']):
            suite.run_cleave('split', capture, '-o', 'out', '--report', 'out/r.html', '-q',
                             '--force', *flags, *more, cwd=suite.dir)
            suite.run_cleave('verify', '-q', 'out', cwd=suite.dir)
            with open(suite.path('out', 'r.html'), 'rb') as f:
                seen.add(f.read())
        check_equal(len(seen), 1, '%s: different pages' % flags)
        page = suite.path('out', 'r.html')
        with open(page, 'rb') as f:
            text = f.read()
        os.chmod(page, 0o600)
        with open(page, 'wb') as f:
            f.write(text.replace(b'www.example.com', b'www.example.org', 1))
        suite.run_cleave('verify', '-q', 'out', cwd=suite.dir, status=1)


def is_proven() -> None:
    """So is the page of a capture with metadata and many links, and of one that is damaged, however
    it came."""
    rng = suite.random('is-proven')
    for i in range(12):
        whole = ng.encode(made.random_capture(rng, made.EVERYTHING))
        if i % 3 == 1:
            whole = whole[:rng.randrange(len(whole) // 2, len(whole))]
        elif i % 3 == 2:
            with open(mixed('m.pcap', rng, 60, S, S), 'rb') as f:
                data = f.read()
            at = rng.randrange(len(data) // 2, len(data))
            whole = data[:at] + bytes(200) + data[at:]
        capture = suite.write('a.capture', whole)
        for flags in ([], ['--every', '5p'], ['--shards', '3'], ['--top', '2']):
            args = ['-o', 'out', '--report', 'out/r.html', '-q', '--force', *flags]
            suite.run_cleave('split', capture, *args, cwd=suite.dir, status=None)
            suite.run_cleave('verify', '-q', 'out', cwd=suite.dir)
            with open(capture, 'rb') as f:
                piped = suite.run_cleave('split', '-', *args, cwd=suite.dir, stdin=f, status=None)
            check(piped.returncode < 2, 'through a pipe: %s', piped.stderr)
            suite.run_cleave('verify', '-q', 'out', capture, cwd=suite.dir)


def plain() -> None:
    """Who did not ask for names has nothing of them."""
    page, _ = split(lookups(suite.random('plain'), 5))
    check_equal([name for name in page.columns if name in (
        'name', 'app', 'master', 'relation', 'group', 'lookup', 'led')], [], 'columns')
    check_equal('led' in page.figures, False, 'figures')
    with open(suite.path('report.html'), encoding='utf-8') as f:
        text = f.read()
    check_equal([word for word in ('led to', 'Groups', 'named', '@names', '@plain', '@end')
                 if word in text], [], 'words of names')


# ---- without scripts, and the command ----

def headline() -> None:
    """Who runs no script reads names and numbers, and they are those of the figures."""
    rng = suite.random('headline')
    a, b = mixed('a.pcap', rng, 3000, 90 * S, 5 * S), mixed('<b>&"\'.pcap', rng, 9, S, S)
    for inputs, flags, noun in (
            ([a], [], 'Flows'), ([b], [], 'Flows'), ([a, b], ['--shards', '3'], 'Shards'),
            ([b, a], ['--by', 'none'], 'Parts'), ([a], ['--by', 'host'], 'Flows'),
            ([b, a], ['--group', 'dns'], 'Groups'), ([a], ['--no-other', '--dry-run'], 'Flows')):
        suite.run_cleave('split', *inputs, '-o', suite.path('out'), '--force', '-q', '--report',
                         suite.path('report.html'), *flags)
        figures = reportpage.read(suite.path('report.html')).figures
        plain, result = reportpage.plain(suite.path('report.html')), figures['result']
        more = len(inputs) - 1
        title = os.path.basename(inputs[0]) + (
            ' and %d more capture%s' % (more, 's' if more > 1 else '') if more else '')
        check_equal(plain['title'], [title + ' - cleave'], 'title')
        check_equal(plain['h1'], [title], 'heading')
        check_equal(plain['p'][0], inputs[0], 'path')
        check_equal(plain['p'][1].split(', from')[0], ('%d files of {:,} bytes in all' % len(inputs)
                    if more else 'File of {:,} bytes').format(sum(map(os.path.getsize, inputs))), 'about')
        copied = bool(result['copies'])
        read, written = result['records_read'], result['records_written']
        wire = sum(x[3] for x in figures['protocols'])
        lasted = nanoseconds(result['last']) - nanoseconds(result['first'])
        check_equal(list(zip(plain['dt'], plain['dd'])), [
            ('Packets', '{:,}'.format(read) if copied or read == written
             else '{:,} of {:,}'.format(written, read)),
            (noun, '{:,}'.format(result['flows'])),
            ('Files', 'none: a dry run' if '--dry-run' in flags else '{:,}'.format(result['outputs'])),
            ('Bytes on the wire', '{:,} bytes'.format(wire)),
            *([('Hosts', '{:,}'.format(figures['host_count']))] if figures['host_count'] else []),
            ('Duration', '%d.%09d s' % divmod(lasted, S))], '%s: totals' % flags)


def command() -> None:
    """What the page says made it makes the same outputs, and verify has the same page."""
    capture = mixed('a.pcap', suite.random('command'), 600, 5 * S, S)
    for flags in ([], ['--by', 'connection', '--idle-timeout', '90ms', '--no-other'],
                  ['--shards', '3', '--shard-by', 'hostpair'], ['--every', '1s'], ['-m', 'jsonl'],
                  ['--filter', 'tcp port 80 or udp', '--max-bytes-per-flow', '2k'],
                  ['--name', "it's {n}.pcap", '--after', '1970-01-01T00:00:02Z'],
                  ['--directed', '--snaplen', '60', '--top', '7'], ['--related', 'dns,http']):
        suite.run_cleave('split', capture, '-o', 'out', '--force', '-q', '--report', 'out/r.html',
                         *flags, cwd=suite.dir)
        suite.run_cleave('verify', '-q', 'out', cwd=suite.dir)
        words = reportpage.read(suite.path('out', 'r.html')).figures['result']['command']
        check_equal([word for word in words if not word.startswith('--')], [], 'no flags')
        suite.run_cleave('split', capture, '-o', 'again', '--force', '-q', '--report', 'again/r.html',
                         *words, cwd=suite.dir)
        harness.check_files(harness.files_of(suite.path('again')), harness.files_of(suite.path('out')))


# ---- places ----

def links_of(page_path: str) -> List[str]:
    """The files that the page's links lead to."""
    page = reportpage.read(page_path)
    base = page.figures['links']
    at = page.columns.index('file')
    return [os.path.normpath(os.path.join(os.path.dirname(page_path), base + row[at]))
            for row in page.rows]


def places() -> None:
    capture = mixed('a.pcap', suite.random('places'), 60, S, S)
    os.makedirs(suite.path('deep', 'er'))
    here = suite.dir
    for output, report in (
            ('out', 'r.html'), ('out', 'out/r.html'), ('./out/', 'out/r.html'),
            ('out', './out/r.html'),
            ('out', 'deep/er/r.html'), ('out', 'deep/../r.html'), ('deep/out', 'deep/out/r.html'),
            ('deep/out', 'r.html'), ('out', suite.path('deep', 'r.html')),
            ('deep/out/', suite.path('r.html')), (suite.path('out'), 'r.html'), (suite.path('out'), suite.path('out', 'r.html')),
            (suite.path('out'), 'deep/er/r.html'), ('out//', 'out//r.html'),
            ('out', '../%s/deep/r.html' % os.path.basename(here))):
        for again in (False, True):
            flags = ['--force'] if again else []
            suite.run_cleave('split', capture, '-o', output, '--report', report, '-q', '--verify',
                             *flags, cwd=here)
            found = os.path.join(here, report)
            for link in links_of(found):
                check(os.path.isfile(link), '%s: %s leads nowhere', report, link)
            suite.run_cleave('verify', '-q', output, cwd=here)
            left = [name for name in os.listdir(here) + os.listdir(suite.path('deep'))
                    if name.startswith('.')]
            check_equal(left, [], 'left behind')
        # By another way to the output that is going to be replaced.
        os.symlink(os.path.join(here, output), suite.path('way'))
        suite.run_cleave('split', capture, '-o', output, '--report', 'way/x.html', '-q', '--force',
                         cwd=here)
        check(os.path.isfile(os.path.join(here, output, 'x.html')), '%s has no page', output)
        suite.run_cleave('verify', '-q', output, cwd=here)
        os.unlink(suite.path('way'))
        shutil.rmtree(os.path.join(here, output))
        if os.path.exists(found):
            os.unlink(found)


def beside_an_archive() -> None:
    """A page cannot link to what is in an archive."""
    capture = mixed('a.pcap', suite.random('archive'), 60, S, S)
    suite.run_cleave('split', capture, '-o', 'out.zip', '--report', 'r.html', '-q', cwd=suite.dir)
    check_equal(reportpage.read(suite.path('r.html')).figures['links'], None, 'links')


def strays() -> None:
    """Verify knows the page, and no other file."""
    capture = mixed('a.pcap', suite.random('strays'), 60, S, S)
    suite.run_cleave('split', capture, '-o', 'out', '--report', 'out/r.html', '-q', cwd=suite.dir)
    suite.write('out/other.html', b'x')
    suite.run_cleave('verify', '-q', 'out', cwd=suite.dir, status=1)
    os.unlink(suite.path('out', 'other.html'))
    suite.run_cleave('verify', '-q', 'out', cwd=suite.dir)


def refused() -> None:
    """Nothing is made, and what was there stays."""
    capture = mixed('a.pcap', suite.random('refused'), 60, S, S)
    suite.write('there.html', b'precious')
    os.mkdir(suite.path('folder'))
    os.symlink('there.html', suite.path('link.html'))
    for flags, words in (
            (['--report', '-'], b'standard output'),
            (['--report', 'r.html', '--each'], b'--each'),
            (['--report', 'there.html'], b'already exists'),
            (['--report', 'folder'], b'folder'),
            (['--report', 'folder', '--force'], b'not a cleave report'),
            (['--report', 'link.html', '--force'], b'not a cleave report'),
            (['--report', 'there.html', '--force'], b'not a cleave report'),
            (['--report', 'a.pcap', '--force'], b'not a cleave report'),
            (['--report', 'x' * 256], b'too long'),
            (['--report', 'out'], b'own files'),
            (['--report', './out', '--force'], b'own files'),
            (['--report', 'a.pcap/x'], b'a.pcap/x'),
            (['--report', 'folder/'], b'not the name of a file'),
            (['--report', ''], b'not the name of a file'),
            (['--report', 'x' * 5000], b'too long'),
            (['--report', 'missing/r.html'], b'missing/r.html'),
            (['--report', 'out/deeper/r.html'], b'out/deeper/r.html'),
            (['--report', 'out/manifest.csv'], b'own files'),
            (['--report', 'out/cleave.json'], b'own files'),
            (['--report', 'out/1', '--name', '{n}', '--by', 'none'], b'File exists'),
            (['--report', 'r.html', '--filter', 'no such'], b'filter'),
            (['--report', 'out/r.html', '--dry-run'], b'a dry run does not make')):
        done = suite.run_cleave('split', capture, '-o', 'out', *flags, status=2, cwd=suite.dir)
        check(words in done.stderr, '%s: %s', flags, done.stderr.decode())
        check_equal(sorted(os.listdir(suite.dir)),
                    ['a.pcap', 'folder', 'link.html', 'there.html'], '%s: what is there' % flags)
    with open(suite.path('there.html'), 'rb') as f:
        check_equal(f.read(), b'precious', 'the file that was there')
    check_equal(len(pf.read(capture).records), 60, 'records of the capture')


def not_over_its_inputs() -> None:
    """A capture in the output that --force would replace, with all that lies in it."""
    capture = mixed('a.pcap', suite.random('inputs'), 60, S, S)
    suite.run_cleave('split', capture, '-o', 'out', '-q', cwd=suite.dir)
    shutil.copy(capture, suite.path('out', 'in.pcap'))
    before = harness.files_of(suite.path('out'))
    for path in ('out/in.pcap', suite.path('out', 'in.pcap'), './out/../out/in.pcap'):
        done = suite.run_cleave('split', path, '-o', 'out', '--force', status=2, cwd=suite.dir)
        check(b'would be replaced' in done.stderr, '%s: %s', path, done.stderr.decode())
    harness.check_files(harness.files_of(suite.path('out')), before)


def appeared_meanwhile() -> None:
    """What takes the page's name while the run goes on stays, and the run says so."""
    capture = mixed('a.pcap', suite.random('meanwhile'), 60, S, S)
    fifo = suite.path('fifo')
    for flags in ([], ['--force']):
        os.mkfifo(fifo)
        with subprocess.Popen([suite.cleave, 'split', fifo, '-q', '-o', suite.path('out'),
                               '--report', suite.path('r.html'), *flags],
                              stderr=subprocess.PIPE) as child:
            with open(fifo, 'wb') as to, open(capture, 'rb') as f:
                to.write(f.read())
                to.flush()
                until = time.monotonic() + harness.HANGS_S
                while not any('.r.html.' in name for name in os.listdir(suite.dir)):
                    check(time.monotonic() < until and child.poll() is None, 'no page is begun')
                    time.sleep(0.01)
                suite.write('r.html', b'precious')
            said = child.communicate()[1]
        check_equal(child.returncode, 1, 'status: %r' % said)
        check(b'its page is missing' in said, 'says %r', said)
        with open(suite.path('r.html'), 'rb') as f:
            check_equal(f.read(), b'precious', 'the file that appeared')
        check_equal(sorted(n for n in os.listdir(suite.dir) if n[0] == '.'), [], 'left behind')
        for name in (fifo, suite.path('r.html')):
            os.unlink(name)


def left_by_a_killed_run() -> None:
    """The next run for the same page names it, and --clean removes it."""
    capture = mixed('a.pcap', suite.random('killed'), 60, S, S)
    left = suite.write('.r.html.cleave-%d-0' % (2**31 - 2), b'begun')
    suite.write('.r.html.cleave-no', b'not ours')
    done = suite.run_cleave('split', capture, '--dry-run', '-q', '--report', 'r.html',
                            cwd=suite.dir)
    check(os.path.basename(left).encode() in done.stderr, 'says %r', done.stderr)
    suite.run_cleave('split', capture, '--dry-run', '-q', '--report', 'r.html', '--clean',
                     '--force', cwd=suite.dir)
    check_equal(sorted(n for n in os.listdir(suite.dir) if n[0] == '.'), ['.r.html.cleave-no'],
                'hidden files')


def only_with_the_outputs() -> None:
    """A run that fails at its end leaves the old page."""
    capture = mixed('a.pcap', suite.random('only'), 60, S, S)
    suite.run_cleave('split', capture, '--dry-run', '-q', '--report', 'r.html', cwd=suite.dir)
    with open(suite.path('r.html'), 'rb') as f:
        old = f.read()
    suite.write('out', b'in the way')
    suite.run_cleave('split', capture, '-o', 'out', '--report', 'r.html', '-q', '--force', status=2,
                     cwd=suite.dir)
    check_equal(sorted(os.listdir(suite.dir)), ['a.pcap', 'out', 'r.html'], 'what is there')
    with open(suite.path('r.html'), 'rb') as f:
        check_equal(f.read(), old, 'the page')


def permissions() -> None:
    capture = mixed('a.pcap', suite.random('mode'), 9, S, S)
    for mode in ('0600', '0644'):
        for report in ('r.html', 'out/r.html'):
            suite.run_cleave('split', capture, '-o', 'out', '--report', report, '-q', '--force',
                             '--mode', mode, cwd=suite.dir)
            found = os.stat(suite.path(report)).st_mode & 0o777
            mask = os.umask(0)
            os.umask(mask)
            check_equal(found, int(mode, 8) & ~mask, 'mode of ' + report)


def hostile() -> None:
    """Names that would be elements: they are in the page's JSON, and nowhere else."""
    evil = '</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>'
    packet = pf.frame('10.0.0.1', '10.0.0.2', pf.UDP, pf.udp('10.0.0.1', '10.0.0.2', 1, 2))
    name = evil.replace('/', '') + '.pcap'
    capture = suite.write(name, pf.Capture(pf.Format(), [pf.Packet(packet, S)]).encode())
    template = evil.replace('/', '_') + '{n}'
    suite.run_cleave('split', capture, '-o', 'out', '--report', 'r.html', '--name', template, '-q',
                     cwd=suite.dir)
    page = reportpage.read(suite.path('r.html'))
    check_equal(page.as_dicts()[0]['file'].startswith(template[:-3]), True, 'name of the output')
    check_equal(page.figures['inputs'], [capture], 'inputs')
    with open(suite.path('r.html'), encoding='utf-8') as f:
        text = f.read()
    check_equal(re.findall(r'<[^>]*(?:alert|onerror)', text), [], 'elements with foreign words')
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    check(policy and 'unsafe' not in policy.group(1) and "default-src 'none'" in policy.group(1),
          'the page has no strict policy')


CASES: Dict[str, Callable[[], None]] = {
    'rows': rows,
    'largest-rows': largest_rows,
    'figures': figures,
    'port-names': port_names,
    'many-hosts': many_hosts,
    'whatever-the-threads': whatever_the_threads,
    'related': related,
    'related-is-proven': related_is_proven,
    'is-proven': is_proven,
    'plain': plain,
    'headline': headline,
    'command': command,
    'places': places,
    'beside-an-archive': beside_an_archive,
    'strays': strays,
    'refused': refused,
    'not-over-its-inputs': not_over_its_inputs,
    'appeared-meanwhile': appeared_meanwhile,
    'left-by-a-killed-run': left_by_a_killed_run,
    'only-with-the-outputs': only_with_the_outputs,
    'permissions': permissions,
    'hostile': hostile,
}

if __name__ == '__main__':
    sys.exit(suite.run(CASES))
