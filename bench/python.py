#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Times the Python module against dpkt, scapy and a plain reader over split files.

bench/python.py --module build/src/python [--bytes 2GB] [--flows 100000] [--sizes mixed]
                [--runs 5] [--scratch DIR] [--page]

A capture is made, indexed and split. Each task then runs in a process of its own, in turn with its
rivals, as often as --runs says; what is read is in the page cache, and modules are loaded before.
scapy, and decoding by dpkt, which take long, read a part. Printed are medians of seconds and of CPU
seconds, CPU time per packet or flow, and memory that is no file's. --page puts the same into its
part of RESULTS.md. A rival that is not installed is left out.

"floor" makes the objects of all packets in the order of flows, from places that it knows, and does
nothing else: an extension, pairs.c, which cc has to build. "again": the second time in a process.
"""
import argparse
import importlib.util
import json
import os
import pathlib
import resource
import statistics
import struct
import subprocess
import sys
import time

TASKS = {
    'packets': ('cleave', 'cleave, again', 'dpkt', 'plain', 'scapy', 'floor', 'floor, again'),
    'first bytes': ('cleave', 'cleave, 1 thread', 'dpkt', 'plain'),
    'records': ('cleave, batches', 'cleave, records', 'dpkt'),
}
# How the page calls a task, what is counted in it, and who does it.
TITLES = {
    'packets': ('all packets: `for ts, buf in flow`', 'packet'),
    'first bytes': ('the first 5 x 320 bytes of each flow, masked', 'flow'),
    'records': ('all packets with their addresses and ports', 'packet'),
}
WHO = {
    'plain': '10 lines of `struct`',
    'scapy': "scapy's RawPcapReader",
    'cleave, again': 'cleave, a second time',
    'floor': 'the objects alone, in C',
    'floor, again': 'the objects alone, a second time',
    'cleave, batches': 'cleave, in batches',
    'cleave, records': 'cleave, record by record',
}
MODULES = {'dpkt': 'dpkt', 'scapy': 'scapy.utils'}
PACKETS, HEADER, PAYLOAD = 5, 80, 240


def split_files(folder, sample):
    """Paths of outputs, at most so many."""
    import csv
    with open(folder + '/flows/manifest.csv', newline='', encoding='utf-8') as f:
        names = [row['file'] for row in csv.DictReader(f) if row['flow']]
    step = max(1, len(names) // sample) if sample else 1
    return [folder + '/flows/' + name for name in names[::step]]


def plain(path):
    """A reader as one would write it: microseconds, little-endian."""
    with open(path, 'rb') as f:
        data = f.read()
    at, head = 24, struct.Struct('<IIII')
    while at < len(data):
        s, us, caplen, _ = head.unpack_from(data, at)
        at += 16
        yield s + us / 1e6, data[at:at + caplen]
        at += caplen


def by_dpkt(path):
    import dpkt
    with open(path, 'rb') as f:
        yield from dpkt.pcap.Reader(f)


def by_scapy(path):
    from scapy.utils import RawPcapReader
    reader = RawPcapReader(path)
    for data, meta in reader:
        yield meta.sec + meta.usec / 1e6, data
    reader.close()


def cut(frame):
    """Headers and payload of Ethernet, IPv4 or IPv6, TCP or UDP, masked."""
    at = 14
    if frame[12:14] == b'\x08\x00':
        transport, proto = at + (frame[at] & 15) * 4, frame[at + 9]
        addresses = at + 12, at + 20
    elif frame[12:14] == b'\x86\xdd':
        transport, proto, addresses = at + 40, frame[at + 6], (at + 8, at + 40)
    else:
        return bytes(HEADER + PAYLOAD)
    body = transport + ((frame[transport + 12] >> 4) * 4 if proto == 6 else 8)
    head = bytearray(frame[at:body])
    head[addresses[0] - at:addresses[1] - at] = bytes(addresses[1] - addresses[0])
    head[transport - at:transport - at + 4] = bytes(4)
    return (bytes(head[:HEADER]).ljust(HEADER, b'\0') +
            frame[body:body + PAYLOAD].ljust(PAYLOAD, b'\0'))


def build_floor(folder):
    """The extension, and where records lie, flow by flow (cleave-index(5))."""
    import array
    import sqlite3
    import sysconfig
    subprocess.run(['cc', '-O2', '-shared', '-fPIC', '-I' + sysconfig.get_paths()['include'], '-o',
                    folder + '/pairs.so', os.path.join(os.path.dirname(__file__), 'pairs.c')],
                   check=True)
    places = array.array('Q')
    with sqlite3.connect('file:%s/c.db?mode=ro' % folder, uri=True) as db:
        for (positions,) in db.execute('SELECT positions FROM outputs ORDER BY id'):
            position = distance = shift = 0
            for byte in positions:
                distance |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    position += distance
                    places.append(position + 24)  # the file's header
                    distance = shift = 0
    with open(folder + '/places', 'wb') as f:
        places.tofile(f)


def floor(folder):
    import mmap
    sys.path.insert(0, folder)
    import pairs
    with open(folder + '/c.pcap', 'rb') as f:
        capture = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
    with open(folder + '/places', 'rb') as f:
        places = f.read()
    return lambda: pairs.count(capture, places)


def all_packets(folder):
    import cleave
    result = cleave.open(folder + '/c.db')

    def count():
        n = 0
        for flow in result:
            for _ in flow:
                n += 1
        return n
    return count


def packets_of(who, folder, sample):
    """What is timed: a function that counts the packets."""
    if who.startswith('floor'):
        return floor(folder)
    if who == 'cleave':
        return lambda: all_packets(folder)()
    if who == 'cleave, again':
        return all_packets(folder)
    return lambda: packets_in_files(who, folder, sample if who == 'scapy' else 0)


def packets_in_files(who, folder, sample):
    n = 0
    reader = {'dpkt': by_dpkt, 'plain': plain, 'scapy': by_scapy}[who]
    for path in split_files(folder, sample):
        for _ in reader(path):
            n += 1
    return n


def first_bytes_of(who, folder, _):
    return lambda: count_first_bytes(who, folder)


def count_first_bytes(who, folder):
    """Counts flows."""
    if who.startswith('cleave'):
        import cleave
        with cleave.open(folder + '/c.db') as result:
            matrix = result.first_bytes(packets=PACKETS, header=HEADER, payload=PAYLOAD,
                                        mask='ip,mac,port', threads=1 if 'thread' in who else 0)
            return len(matrix)
    reader = {'dpkt': by_dpkt, 'plain': plain}[who]
    files = split_files(folder, 0)
    matrix = bytearray(len(files) * PACKETS * (HEADER + PAYLOAD))
    at = 0
    for path in files:
        for k, (_, frame) in enumerate(reader(path)):
            if k == PACKETS:
                break
            place = at + k * (HEADER + PAYLOAD)
            matrix[place:place + HEADER + PAYLOAD] = cut(frame)
        at += PACKETS * (HEADER + PAYLOAD)
    return len(files)


def records_of(who, folder, _):
    return lambda: count_records(who, folder)


def count_records(who, folder):
    n = 0
    if who == 'dpkt':
        import dpkt
        import socket
        for _, data in by_dpkt(folder + '/c.pcap'):
            ip = dpkt.ethernet.Ethernet(data).data
            if isinstance(ip, dpkt.ip.IP):
                socket.inet_ntoa(ip.src), socket.inet_ntoa(ip.dst)
            n += 1
            if n == 100000:
                break
        return n
    import cleave
    for batch in cleave.records(folder + '/c.pcap'):
        if who == 'cleave, batches':
            n += len(batch)
        else:
            for _ in batch:
                n += 1
    return n


def anonymous():
    with open('/proc/self/status', encoding='ascii') as f:
        return next(int(line.split()[1]) for line in f if line.startswith('RssAnon'))


def load(who):
    """What takes time once, and not with each packet."""
    if who.startswith('cleave'):
        import cleave
        cleave.features()
    elif who == 'dpkt':
        import csv, dpkt
    elif who == 'scapy':
        import csv, scapy.utils
    else:
        import csv


def work(task, who, folder, sample):
    load(who)
    run = {'packets': packets_of, 'first bytes': first_bytes_of, 'records': records_of}[task](
        who, folder, sample)
    if who.endswith('again'):
        run()
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    n = run()
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps([n, wall, cpu, anonymous() / 1024]))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--module', required=True)
    parser.add_argument('--bytes', default='2GB')
    parser.add_argument('--flows', type=int, default=100000)
    parser.add_argument('--sizes', default='mixed', choices=('mixed', 'small', 'large'))
    parser.add_argument('--runs', type=int, default=5)
    parser.add_argument('--sample', type=int, default=5000)
    parser.add_argument('--scratch', default='/dev/shm/cleave-bench-python')
    parser.add_argument('--page', action='store_true', help='write the part of RESULTS.md')
    parser.add_argument('--work', nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    sys.path.insert(0, os.path.abspath(args.module))
    if args.work:
        work(*args.work, args.scratch, args.sample)
        return
    import cleave
    os.makedirs(args.scratch, exist_ok=True)
    made = args.scratch + '/c.pcap'
    if not os.path.exists(args.scratch + '/flows/cleave.json'):
        cleave.generate_traffic(made, flows=args.flows, bytes=args.bytes, udp=30, ipv6=10,
                                sizes=args.sizes, force=True)
        cleave.index(made, args.scratch + '/c.db', force=True)
        cleave.split(made, args.scratch + '/flows', force=True)
    build_floor(args.scratch)
    rows = measure(args)
    print('\n'.join(table(rows)))
    if args.page:
        write_page(args, os.path.getsize(made), rows)


def installed(who):
    module = MODULES.get(who)
    return not module or importlib.util.find_spec(module.split('.')[0])


def measure(args):
    """Rows: task, who, how many, and medians of seconds, CPU seconds and MiB."""
    rows = []
    for task, everybody in TASKS.items():
        found = {who: [] for who in everybody if installed(who)}
        for _ in range(args.runs):
            for who in found:
                done = subprocess.run(
                    [sys.executable, __file__, '--module', args.module, '--scratch', args.scratch,
                     '--sample', str(args.sample), '--work', task, who],
                    stdout=subprocess.PIPE, check=True)
                found[who].append(json.loads(done.stdout))
        rows += [(task, who, runs[0][0],
                  *(statistics.median(r[i] for r in runs) for i in (1, 2, 3)))
                 for who, runs in found.items()]
    return rows


def table(rows):
    heads = ('task', 'program', 'of', 'time', 'CPU time', 'CPU time for each', 'against cleave',
             'memory')
    lines = ['| ' + ' | '.join(heads) + ' |', '|---' * len(heads) + '|']
    first = {}
    for task, who, n, wall, cpu, memory in rows:
        title, unit = TITLES[task]
        ratio = cpu / n / first.setdefault(task, cpu / n)
        lines.append(
            '| %s | %s | %s %ss | %.2f s | %.2f s | %.2f us | %.2f times cleave | %d MiB |' % (
                title, WHO.get(who, who), format(n, ','), unit, wall, cpu, cpu / n * 1e6, ratio,
                memory))
    return lines


def write_page(args, size, rows):
    """The part of RESULTS.md that is about the module, and its picture."""
    import page
    import picture
    here = pathlib.Path(__file__).resolve().parent
    title = 'From Python: CPU time for each packet or flow'
    groups = {}
    for task, who, n, _, cpu, _ in rows:
        each = cpu / n * 1e6
        groups.setdefault(TITLES[task][0].replace('`', ''), []).append(
            (WHO.get(who, who).replace('`', ''), each, '%.2f us' % each,
             'cleave' if who.startswith('cleave') else 'other'))
    page.replace_file(here / 'plots' / 'python.svg', picture.bars(title, list(groups.items())))
    says = ('The module `cleave` against dpkt, scapy and a reader written by hand. cleave reads an '
            'index of a capture of %.2f GB with %s flows, the others the files that cleave split '
            'it into; in the last task, all read the capture. "Against cleave" compares CPU time for '
            'each packet or flow, since scapy and, in the last task, dpkt read only a part. '
            'Medians of %d runs in turn. Memory is what is no file\'s.' %
            (size / 1e9, format(args.flows, ','), args.runs))
    page.replace_part(here / 'RESULTS.md', 'bench/python.py',
                      ['## From Python', '', says, '', *table(rows), '',
                       '![%s](plots/python.svg)' % title, ''])


if __name__ == '__main__':
    main()
