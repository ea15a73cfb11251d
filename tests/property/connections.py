# SPDX-License-Identifier: BSD-2-Clause
"""Splits by connection held against Wireshark's tcp.stream.

Of all records whose outermost network header carries TCP, two are in one output where tshark sees
them in one stream, and only there. Captures of the field, and generated ones whose ports are used
again. tshark puts fragments together by default, and then knows less of the first: it is told not
to. It reads the records as one pcapng capture, so that frames have the records' numbers.
"""
import collections
import concurrent.futures
import csv
import os
import random
import re
import shutil
import sys
import tempfile
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
import pcapngfile as ng
from harness import Failed, check, check_equal

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])

# The first network header, IPv6's extension headers, TCP.
OUTERMOST_TCP = re.compile(
    r'(?:(?!ip:|ipv6:)[^:]+:)*(?:ip|ipv6(?::ipv6\.[a-z]+)*):tcp(?::|$)')


class Frame(NamedTuple):
    stream: Optional[int]  # None: its outermost network header carries no TCP


def ask_tshark(path: str) -> List[Frame]:
    done = harness.run([harness.tool('tshark'), '-n', '-r', path, '-o', 'ip.defragment:FALSE',
                        '-o', 'ipv6.defragment:FALSE', '-T', 'fields', '-E', 'separator=/t',
                        '-E', 'occurrence=f', '-e', 'frame.protocols', '-e', 'tcp.stream'])
    check_equal(done.returncode, 0, 'tshark, which says %s' % done.stderr.decode())
    frames = []
    for line in done.stdout.decode().split('\n')[:-1]:
        protocols, stream = line.split('\t')
        is_tcp = stream and OUTERMOST_TCP.match(protocols)
        frames.append(Frame(int(stream) if is_tcp else None))
    return frames


def outputs_of(cleave: str, path: str, top: str) -> Optional[Tuple[str, List[Optional[str]]]]:
    """The capture as one file, and the name of each record's output, None: it is of no TCP flow.
    None: the capture is none."""
    one, by = os.path.join(top, 'one'), os.path.join(top, 'connections')
    for output, flags in ((one, ['none']), (by, ['connection'])):
        done = harness.run([cleave, 'split', path, '-q', '--output', output, '--format', 'pcapng',
                            '--no-metadata', '--name', '{n}.pcapng', '--by', *flags])
        if done.returncode == 2:
            return None
    whole = os.path.join(one, '1.pcapng')
    if not os.path.exists(whole):
        return None
    with open(os.path.join(by, 'manifest.csv'), newline='', encoding='utf-8') as f:
        rows = list(csv.DictReader(f))
    # Equal records are of one key, and those of an earlier part came earlier.
    where: Dict[tuple, List[Optional[str]]] = collections.defaultdict(list)
    for row in rows:
        for p in read(os.path.join(by, row['file'])):
            where[identity(p)].append(row['file'] if row['proto'] == 'tcp' else None)
    places = {key: iter(names) for key, names in where.items()}
    return whole, [next(places[identity(p)]) for p in read(whole)]


def read(path: str) -> List[ng.Packet]:
    with open(path, 'rb') as f:
        return ng.of_kind(ng.blocks(f.read()), ng.Packet)


def identity(p: ng.Packet) -> tuple:
    return p.interface.linktype, p.ts, p.origlen, p.data


def compare(frames: List[Frame], names: List[Optional[str]]) -> Tuple[int, List[str]]:
    """How many records were compared; what differs."""
    check_equal(len(frames), len(names), 'frames that tshark reads')
    both = [(i, f.stream, name) for i, (f, name) in enumerate(zip(frames, names))
            if f.stream is not None and name is not None]
    names_of, streams_of = collections.defaultdict(dict), collections.defaultdict(dict)
    for i, stream, name in both:
        names_of[stream].setdefault(name, i + 1)
        streams_of[name].setdefault(stream, i + 1)
    faults = ['stream %d is in outputs %s' % (s, some) for s, some in names_of.items()
              if len(some) > 1]
    faults += ['output %s has streams %s' % (n, some) for n, some in streams_of.items()
               if len(some) > 1]
    return len(both), faults


def ask_both(path: str) -> Tuple[int, List[str]]:
    top = tempfile.mkdtemp(prefix='cleave-test-', dir=harness.working_place())
    try:
        found = outputs_of(suite.cleave, path, top)
        if not found:
            raise harness.Skip('no capture with records that can be read')
        whole, names = found
        return compare(ask_tshark(whole), names)
    finally:
        shutil.rmtree(top, ignore_errors=True)


# ---- captures of the field ----

LEAST = 10000  # records of the field that are compared

n_compared = 0


def capture_case(told: 'concurrent.futures.Future') -> Callable[[], None]:
    def case() -> None:
        global n_compared
        n, faults = told.result()
        n_compared += n
        check(not faults, '%d differences: %s', len(faults), '; '.join(faults[:4]))
    return case


def enough() -> None:
    if suite.args.only != '*':
        raise harness.Skip('not all captures were compared')
    check(n_compared >= LEAST, 'no more than %d records were compared', n_compared)


# ---- generated ----

TALKS = [('10.0.0.%d' % (i % 3), '10.0.1.%d' % (i % 2), 50000 + i % 2, 80) for i in range(6)] + \
    [('2001:db8::1', '2001:db8::2', 50000, 80), ('10.0.0.1', '10.0.0.1', 7, 8)]
NUMBERS = [1, 2, 1000, 0xffffffff, 0]  # few, so that some come again


def segment(rng: random.Random, talk: tuple, forth: bool, flags: int, seq: int, ack: int) -> bytes:
    a, b, sport, dport = talk if forth else (talk[1], talk[0], talk[3], talk[2])
    content = pf.tcp(a, b, sport, dport, flags, rng.randbytes(rng.choice([0, 0, 5, 60])),
                     seq & 0xffffffff, ack & 0xffffffff)
    return pf.frame(a, b, pf.TCP, content, vlans=rng.choice([(), (), (7,)]))


def proper(rng: random.Random, n: int) -> List[bytes]:
    """Connections between few ports, one behind the other between two of them: some are seen from
    the middle only, or from one side, with handshakes that are sent again or turned round."""
    lanes: Dict[tuple, List[bytes]] = {t: [] for t in TALKS}
    frames: List[bytes] = []
    while len(frames) < n:
        t = rng.choice(TALKS)
        if not lanes[t]:
            forth, x, y = rng.random() < 0.8, rng.choice(NUMBERS), rng.choice(NUMBERS)
            whole = [(True, pf.SYN, x, 0), (True, pf.SYN, x, 0), (False, pf.SYN | pf.ACK, y, x + 1),
                     (False, pf.SYN | pf.ACK, y, x + 1), (True, pf.ACK, x + 1, y + 1),
                     (False, pf.PSH | pf.ACK, y + 1, x + 1), (True, pf.FIN | pf.ACK, x + 1, y + 1),
                     (False, pf.FIN | pf.ACK, y + 1, x + 2), (False, pf.RST, y + 1, 0)]
            side = rng.choice([None, None, None, True, False])
            lanes[t] = [segment(rng, t, to == forth, flags, seq, ack)
                        for to, flags, seq, ack in whole
                        if rng.random() < 0.8 and side in (None, to)]
            if rng.random() < 0.1:
                lanes[t].reverse()
            continue
        frames.append(lanes[t].pop(0))
    return frames


def wild(rng: random.Random, n: int) -> List[bytes]:
    """Any flags with any numbers."""
    kinds = [pf.SYN, pf.SYN | pf.ACK, pf.ACK, pf.ACK, pf.ACK | pf.PSH, pf.FIN | pf.ACK, pf.RST,
             pf.RST | pf.ACK, pf.SYN | pf.FIN, pf.SYN | pf.RST, 0]
    return [segment(rng, rng.choice(TALKS), rng.random() < 0.5, rng.choice(kinds),
                    rng.choice(NUMBERS), rng.choice(NUMBERS)) for _ in range(n)]


def generated(make: Callable[[random.Random, int], List[bytes]]) -> Callable[[], None]:
    def case() -> None:
        rng = suite.random(make.__name__)
        for i in range(harness.times(8)):
            frames = make(rng, 1500)
            data = pf.Capture(pf.Format(), pf.at_times(frames)).encode()
            n, faults = ask_both(suite.write('capture.pcap', data))
            check_equal(n, len(frames), 'records compared')
            if faults:
                raise Failed('capture %d: %d differences: %s' % (i, len(faults),
                                                                 '; '.join(faults[:4])))
    return case


def main() -> int:
    try:
        tshark = harness.tool('tshark')
    except harness.Skip as why:
        return suite.run({'tshark': harness.skipped(why)})
    print(harness.run([tshark, '--version']).stdout.decode().split('\n', maxsplit=1)[0])
    cases: Dict[str, Callable[[], None]] = {make.__name__: generated(make)
                                              for make in (proper, wild)}
    try:
        top = harness.shared_captures()
    except harness.Skip as why:
        cases['captures'] = harness.skipped(why)
        return suite.run(cases)
    paths = [os.path.join(top, name) for name in sorted(os.listdir(top))]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path in paths:
            if os.path.isfile(path):
                cases[os.path.basename(path)] = capture_case(pool.submit(ask_both, path))
        cases['enough'] = enough
        return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
