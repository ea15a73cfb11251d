# SPDX-License-Identifier: BSD-2-Clause
"""What belongs together: the table and the groups are the same however the input is read, groups
are what the table says, and each record is in one of them.
"""
import csv
import glob
import os
import shutil
import struct
import sys
import zipfile
from typing import Dict, Iterator, List, Set, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
import pcapngfile as ng
import samples
from harness import check, check_equal

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])

# Some that have DNS, HTTP, TLS, QUIC, SIP, RTSP, FTP, TFTP, fragments, errors.
NAMED = ('SkypeIRC.pcap', 'http-packets2.pcap', 'dropbox.pcap', 'whatsapp_login_call.pcap', 'dns_fragmented.pcap',
         'quic_frags_ch_out_of_order_same_packet_craziness.pcapng', 'rtsp.pcap', 'icmp6.pcap')


def captures() -> Iterator[str]:
    """A sample, and some from the field where these are."""
    yield suite.write('sample.pcap', samples.related().encode())
    try:
        top = harness.shared_captures()
    except harness.Skip:
        return
    for name in NAMED:
        yield os.path.join(top, name)
    yield from sorted(glob.glob(os.path.join(top, '..', 'related', '*.pcap')))


def rows_of(out: str) -> List[Dict[str, str]]:
    with open(os.path.join(out, 'manifest.csv'), newline='', encoding='utf-8') as f:
        return list(csv.DictReader(f))


def split(out: str, *words: str) -> str:
    out = suite.path(out)
    suite.run_cleave('split', *words, '-o', out, '-q', '--force')
    return out


def same(a: str, b: str, what: str) -> None:
    done = harness.run(['diff', '-r', '-x', 'cleave.json', a, b])
    check(done.returncode == 0, '%s: %s', what, done.stdout[:400])


def however_it_is_read() -> None:
    """Threads, windows, memory, a pipe."""
    for path in list(captures())[:None if harness.FULL else 5]:
        for kind in ('--related', '--group'):
            once = split('once', path, kind, 'all')
            for flags in (('-t', '1'), ('-t', '7', '--window', '64KiB'),
                          ('--memory', '1MiB', '--window', '4096')):
                same(once, split('again', path, kind, 'all', *flags),
                     '%s %s %s' % (os.path.basename(path), kind, ' '.join(flags)))
            again = suite.path('again')
            harness.by_pipe(path, lambda end, kind=kind, again=again: suite.run_cleave(
                'split', '-', kind, 'all', '-o', again, '-q', '--force', '--name',
                '{n}.pcap', stdin=end))
            same(split('once', path, kind, 'all', '--name', '{n}.pcap'), again, 'a pipe')
            suite.run_cleave('verify', '-q', again, path)


def cut_into_files() -> None:
    """Where the capture is cut into files does not matter."""
    for path in captures():
        with open(path, 'rb') as f:
            data = f.read()
        if data.startswith(b'\x0a\x0d\x0d\x0a'):
            continue
        saved = pf.parse(data)
        n = len(saved.records)
        ends = [record.offset + len(record.raw) for record in saved.records]
        if n < 6 or ends[-1] != len(data):
            continue
        parts = []
        cuts = [0] + sorted(suite.random('cuts').sample(range(1, n), min(4, n - 1))) + [n]
        for i, (a, b) in enumerate(zip(cuts, cuts[1:])):
            parts.append(suite.path('part-%d.pcap' % i))
            start = ends[a - 1] if a else pf.FILE_HEADER_LEN
            with open(parts[-1], 'wb') as f:
                f.write(data[:pf.FILE_HEADER_LEN] + data[start:ends[b - 1]])
        for kind in ('--related', '--group'):
            flags = (kind, 'all', '--name', '{n}_{name}.pcap')
            same(split('once', path, *flags), split('again', *parts, *flags),
                 os.path.basename(path))


def roots(rows: List[Dict[str, str]]) -> None:
    """A flow's group is its master's, or the lookup of it."""
    by_number = {row['flow']: row for row in rows}
    dns = {row['flow'] for row in rows if row['app'] in ('dns', 'mdns', 'llmnr')}
    for row in rows:
        check(row['group'] or not row['flow'], 'flow %s has no group', row['flow'])
        check_equal(bool(row['master']), bool(row['relation']), 'relation of %s' % row['flow'])
        check_equal(bool(row['master']), bool(row['lag']), 'lag of %s' % row['flow'])
        if not row['master']:
            check_equal((row['group'], row['lookup']), (row['flow'], ''), 'a root')
        elif row['relation'] != 'dns' and row['flow'] not in dns:
            master = by_number[row['master']]
            check_equal((row['group'], row['lookup']), (master['group'], master['lookup']),
                        'the group of %s' % row['flow'])


def groups() -> None:
    """Groups are those that the table has; each record is in one, in the capture's order."""
    for path in captures():
        table = rows_of(split('flows', path, '--related', 'all'))
        roots(table)
        out = split('groups', path, '--group', 'all')
        rows = rows_of(out)
        sums: Dict[Tuple[str, str], int] = {}
        led: Dict[Tuple[str, str], int] = {}
        dns = set()
        for row in table:
            key = row['group'], row['lookup']
            if row['app'] in ('dns', 'mdns', 'llmnr'):
                dns.add(row['flow'])
                continue
            sums[key] = sums.get(key, 0) + int(row['src_packets']) + int(row['dst_packets'])
            led[key] = led.get(key, 0) + (row['group'] != row['flow'])
        for row in rows:
            if not row['flow']:
                continue
            key = row['group'], row['lookup']
            packets = int(row['src_packets']) + int(row['dst_packets'])
            if row['group'] not in dns:
                check_equal(packets, sums[key], '%s: records of group %s' % (path, key))
            check_equal(int(row['led']), led.get(key, 0), '%s: led of %s' % (path, key))
        check_equal(sum(int(r['src_packets']) + int(r['dst_packets']) for r in rows),
                    sum(int(r['src_packets']) + int(r['dst_packets']) for r in table), 'records')
        suite.run_cleave('verify', '-q', out, path)


def broken_is_counted() -> None:
    """Messages of a protocol that was recognised, and that nobody can read."""
    sip = b'OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c\r\nCSeq: 1 OPTIONS\r\nCall-ID: d\r\nContent-Length: 0\r\n\r\n'

    def udp(port: int, data: bytes) -> bytes:
        return pf.frame(samples.CLIENT, samples.SERVER, pf.UDP, pf.udp(
            samples.CLIENT, samples.SERVER, 40000, port, data))
    frames = [udp(5060, sip), udp(5060, b'OPTIONS sip:a@b SIP'), udp(5060, b'\r\n\r\n'), udp(5060, sip),
              udp(53, samples.dns(1, 'a.example')), udp(53, samples.dns(1, 'a.example')[:15])]
    frames += samples.said(samples.CLIENT, samples.SERVER, 40001, 21, (False, b'220 ready\r\n'),
                           (True, b'USER a\r\n'), (True, b'\x00\x01\x02\r\n'), (True, b'PASV\r\n'),
                           (False, b'227 (203,0,113,80,200,1)\r\n'))
    frames += samples.said(samples.CLIENT, samples.SERVER, 40002, 51201, (False, b'x'))
    path = suite.write('broken.pcap', pf.Capture(pf.Format(), pf.at_times(
        frames, samples.NOON)).encode())
    summary = suite.split(path, suite.path('broken'), '--related', 'all')
    check_equal((summary['broken_messages'], summary['related']), (3, 1), 'broken, related')


def names_stay_inside() -> None:
    """Names that others choose never leave the directory."""
    hostile = [b'../../etc/passwd', b'..', b'.', b'a/b', b'con', b'-rf', b'x' * 240]
    frames: List[bytes] = []
    for i, name in enumerate(hostile):
        frames += samples.said(samples.CLIENT, samples.SERVER, 40000 + i, 80,
                               (True, b'GET / HTTP/1.1\r\nHost: ' + name + b'\r\n\r\n'))
        frames.append(pf.frame(samples.CLIENT, samples.SERVER, pf.UDP, pf.udp(
            samples.CLIENT, samples.SERVER, 5060 + i, 5060,
            b'OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c\r\nCSeq: 1 OPTIONS\r\nCall-ID: ' + name +
            b'\r\nContent-Length: 0\r\n\r\n')))
    path = suite.write('hostile.pcap', pf.Capture(
        pf.Format(), pf.at_times(frames, samples.NOON)).encode())
    out = split('inside', path, '--name', '{name}')
    files = [os.path.join(d, f) for d, _, fs in os.walk(out) for f in fs]
    check_equal(len(files), 2 + 2 * len(hostile), 'files')
    for name in files:
        check(len(os.path.relpath(name, out)) <= 200, name)
    suite.run_cleave('verify', '-q', out, path)
    # A shard is of many groups: it has no name but its own.
    out = split('shards', path, '--name', '{name}', '--group', 'all', '--shards', '2')
    check_equal(sorted(os.listdir(out)), ['cleave.json', 'manifest.csv', 'shard0', 'shard1'], 'shards')
    suite.run_cleave('verify', '-q', out, path)


def names_of_our_own_files() -> None:
    """A host that is called like a file of the output, or like a directory of the fan-out, stops no
    run, and archives of it can be unpacked."""
    hosts = ['manifest.csv', 'manifest.jsonl', 'manifest.db', 'cleave.json', 'other.pcap', 'other_2.pcap',
             'page.html', '00010000']
    frames: List[bytes] = [pf.arp('10.0.0.1', '10.0.0.2')]
    for i, host in enumerate(hosts * 2):
        frames += samples.said(samples.CLIENT, samples.SERVER, 40000 + i, 80,
                               (True, b'GET / HTTP/1.1\r\nHost: %s\r\n\r\n' % host.encode()))
    for i in range(10000):  # beyond the first 10,000 there are directories
        frames.append(pf.frame('10.9.%d.%d' % divmod(i, 250), samples.SERVER, pf.UDP, pf.udp(
            '10.9.%d.%d' % divmod(i, 250), samples.SERVER, 5, 6)))
    path = suite.write('hosts.pcap', pf.Capture(
        pf.Format(), pf.at_times(frames, samples.NOON)).encode())
    few = suite.write('few.pcap', pf.Capture(
        pf.Format(), pf.at_times(frames[:1 + 2 * 2 * len(hosts)], samples.NOON)).encode())
    for capture, template, table in (
            (path, '{name}', 'csv'), (few, '{name}/{n}.pcap', 'sqlite'), (few, '{name}/{n}', 'jsonl'),
            (few, '{name}/{dport}.pcap', 'csv')):
        out, archive = suite.path('own'), suite.path('own.zip')
        for path_of in out, archive:
            suite.run_cleave('split', capture, '-q', '--verify', '--names', '--name', template, '-o', path_of,
                             '--manifest', table, '--report',
                             os.path.join(out, 'page.html') if path_of == out else suite.path('page.html'))
            suite.run_cleave('verify', '-q', path_of, capture)
        with zipfile.ZipFile(archive) as z:
            names = z.namelist()
        check(not any(name.startswith(other + '/') for name in names for other in hosts
                      if other in names), '%s: a file and a directory share a name', template)
        os.unlink(archive)
        os.unlink(suite.path('page.html'))
        shutil.rmtree(out)


def small_segments() -> None:
    """A message in segments of a byte is found, and a long one in segments that are not small."""
    def in_pieces(port: int, head: bytes, size: int) -> List[bytes]:
        frames = [pf.frame(samples.CLIENT, samples.SERVER, pf.TCP, pf.tcp(
            samples.CLIENT, samples.SERVER, port, 80, pf.SYN, seq=999))]
        for at in range(0, len(head), size):
            frames.append(pf.frame(samples.CLIENT, samples.SERVER, pf.TCP, pf.tcp(
                samples.CLIENT, samples.SERVER, port, 80, pf.ACK, head[at:at + size], seq=1000 + at)))
        return frames
    frames, wanted = [], {}
    for i, (length, size) in enumerate(((100, 1), (400, 1), (4000, 60), (15000, 500), (16000, 1460))):
        name = 'of-%d-by-%d.example' % (length, size)
        head = b'GET / HTTP/1.1\r\n' + b'a: b\r\n' * ((length - 100) // 6) + b'Host: ' + name.encode()
        frames += in_pieces(40000 + i, head + b'\r\n\r\n', size)
        wanted[str(40000 + i)] = name
    # Thousands that never end, and then one that does.
    frames += in_pieces(50000, b'GET / HTTP/1.1\r\n' + b'a\n' * 3000 + b'\n\n', 1)
    path = suite.write('small.pcap', pf.Capture(pf.Format(), pf.at_times(
        frames, samples.NOON)).encode())
    found = {row['sport']: row['name'] for row in rows_of(split('small', path, '--names'))}
    check_equal({port: found[port] for port in wanted}, wanted, 'names')


def ends_of_calls() -> None:
    """What ends one of two dialogs of a call, or a request within it, leaves the other media where
    they belong; what ends the call does not."""
    caller, first, second = '192.0.2.1', '192.0.2.2', '192.0.2.3'
    invite, bye, cancel = 'INVITE sip:b@y SIP/2.0', 'BYE sip:b@y SIP/2.0', 'CANCEL sip:b@y SIP/2.0'

    def say(src: str, dst: str, line: str, cseq: str, tags: str, port: int = 0) -> bytes:
        body = 'v=0\r\nc=IN IP4 %s\r\nm=audio %d RTP/AVP 0\r\n' % (src, port) if port else ''
        ours, theirs = (';tag=' + tag if tag != '-' else '' for tag in tags.split())
        text = '%s\r\nVia: SIP/2.0/UDP x\r\nFrom: "a;tag=no" <sip:a@x;x=y>%s\r\nTo: sip:b@y%s\r\n' \
            'Call-ID: c1@x\r\nCSeq: %s\r\n%sContent-Length: %d\r\n\r\n%s' % (
                line, ours, theirs, cseq, 'Content-Type: application/sdp\r\n' if port else '',
                len(body), body)
        return pf.frame(src, dst, pf.UDP, pf.udp(src, dst, 5060, 5060, text.encode()))

    def media(src: str, sport: int, dst: str, dport: int) -> bytes:
        return pf.frame(src, dst, pf.UDP, pf.udp(src, dst, sport, dport, b'\x80\0' + bytes(20)))
    begin = [say(caller, first, invite, '1 INVITE', 'A -', 4000),
             say(first, caller, 'SIP/2.0 200 OK', '1 INVITE', 'A B', 6000)]
    fork = begin + [say(second, caller, 'SIP/2.0 200 OK', '1 INVITE', 'A C', 7000)]
    late = media(first, 6000, caller, 4000)
    for name, frames, related in (
            ('begun', begin, True),
            ('over', begin + [say(caller, first, bye, '2 BYE', 'A B')], False),
            ('over, said by who was called', begin + [say(first, caller, bye, '1 BYE', 'B A')], False),
            ('one of two', fork + [say(caller, second, bye, '2 BYE', 'A C')], True),
            ('one of two, said by who was called', fork + [say(second, caller, bye, '1 BYE', 'C A')],
             True),
            ('one of two, said twice', fork + 2 * [say(caller, second, bye, '2 BYE', 'A C')], True),
            ('both of two', fork + [say(caller, second, bye, '2 BYE', 'A C'),
                                    say(caller, first, bye, '2 BYE', 'A B')], False),
            ('cancelled', begin[:1] + [say(caller, first, cancel, '1 CANCEL', 'A -')], False),
            ('a request in it was cancelled', begin + [
                say(caller, first, invite, '2 INVITE', 'A B', 4100),
                say(caller, first, cancel, '2 CANCEL', 'A B')], True),
            ('another request in it was answered', begin[:1] + [
                say(first, caller, 'SIP/2.0 200 OK', '2 PRACK', 'A B'),
                say(caller, first, cancel, '1 CANCEL', 'A -')], False)):
        path = suite.write('call.pcap', pf.Capture(pf.Format(), pf.at_times(
            frames + [late], samples.NOON)).encode())
        rows = [row for row in rows_of(split('call', path, '--related', 'sip')) if row['sport'] in ('4000', '6000')]
        check_equal([bool(row['master']) for row in rows], [related], name)


def tls_after_ftp() -> None:
    """What follows AUTH TLS says the server's name, and a flow of FTP stays one."""
    host = b'ftps.example'
    sni = struct.pack('!HHHBH', 0, len(host) + 5, len(host) + 3, 0, len(host)) + host
    body = b'\3\3' + bytes(range(32)) + b'\0' + b'\0\2\x13\1' + b'\1\0' + struct.pack('!H', len(sni)) + sni
    hello = b'\1' + struct.pack('!I', len(body))[1:] + body
    frames = samples.said(samples.CLIENT, samples.SERVER, 40000, 21, (False, b'220 hi\r\n'),
                          (True, b'AUTH TLS\r\n'), (False, b'234 go on\r\n'),
                          (True, b'\x16\3\1' + struct.pack('!H', len(hello)) + hello))
    path = suite.write('ftps.pcap', pf.Capture(pf.Format(), pf.at_times(frames, samples.NOON)).encode())
    row, = rows_of(split('ftps', path, '--names'))
    check_equal((row['name'], row['app']), (host.decode(), 'ftp'), 'name and application')


NAMES = 4  # the type of blocks with resolved names


def names_of_members() -> None:
    """A group has the resolved names of all of its packets' addresses; so has a host's output, and
    what is extracted of them."""
    made = suite.path('made.pcapng')
    suite.run_cleave('generate', 'traffic', '--related', '--flows', '40', '--seed', '3', '-q', '--format',
                     'pcapng', '-o', made)
    with open(made, 'rb') as f:
        blocks, _ = ng.parse(f.read())

    def addresses(packets: List[ng.Packet]) -> Set[bytes]:
        return {a for p in packets for a in ((p.data[26:30], p.data[30:34]) if p.data[12:14] == b'\x08\0'
                                             else (p.data[22:38], p.data[38:54]))}
    packets = ng.of_kind(blocks, ng.Packet)
    m = ng.Maker()
    path = suite.write('named.pcapng', m.shb() + m.idb() + m.nrb(
        [(a, 'host%d' % i) for i, a in enumerate(sorted(addresses(packets)))]) + b''.join(
            m.epb(0, p.ts_ns // 1000, p.data) for p in packets))
    several = 0
    for flags in ('--group', 'all'), ('--by', 'name'):
        out = split('members', path, *flags)
        index, given = suite.path('members.db'), suite.path('given')
        suite.run_cleave('index', path, '-q', '-o', index, '--force', *flags)
        suite.run_cleave('extract', index, '-q', '-o', given + '/')
        for place in out, given:
            for name, data in harness.files_of(place).items():
                if name.endswith('.pcapng'):
                    found, _ = ng.parse(data)
                    met = addresses(ng.of_kind(found, ng.Packet))
                    named = b''.join(b.raw for b in found if b.type == NAMES)
                    several += len(met) > 2
                    check_equal([a for a in met if a not in named], [], 'addresses without names in ' + name)
        shutil.rmtree(given)
    check(several, 'no output has several flows')


if __name__ == '__main__':
    sys.exit(suite.run({
        'however-it-is-read': however_it_is_read,
        'cut-into-files': cut_into_files,
        'groups': groups,
        'broken-is-counted': broken_is_counted,
        'names-stay-inside': names_stay_inside,
        'ends-of-calls': ends_of_calls,
        'tls-after-ftp': tls_after_ftp,
        'small-segments': small_segments,
        'names-of-members': names_of_members,
        'names-of-our-own-files': names_of_our_own_files,
    }))
