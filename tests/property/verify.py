# SPDX-License-Identifier: BSD-2-Clause
"""cleave verify, and cleave split --verify.

What a split wrote must be proven, whatever its options and inputs are. And each way in which an
output, the manifest, the record of the run or an input can be wrong, made here by hand, must be
found: in the right file and, where it is a record, at the byte that is computed here.
"""
import bz2
import gzip
import json
import lzma
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
import pcapngfile as ng
import pcapngsamples as made
import reference
import samples
from harness import Failed, check, check_equal
from pcapngsamples import Shape

NOON_NS = made.NOON * 10**9
STRETCH = 1 << 18  # records that are compared at a time, as of this writing
SUSPECTS = 8       # outputs that are looked at closely, as of this writing
SHOWN = 20         # faults that are printed, the others are counted
BOOKS = ('cleave.json', 'manifest.csv', 'manifest.jsonl')

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


# ---- running it ----

class Fault(NamedTuple):
    """A fault as it is printed; -1: no such number."""
    path: str
    byte: int
    record: int
    what: str
    input_byte: int
    input_path: str


FAULT = re.compile(r'^cleave: (?P<path>[^\n]*?): '
                   r'(?:byte (?P<byte>\d+)(?: \(record (?P<record>\d+)\))?: )?(?P<what>[^\n]*)'
                   r'(?:\n +(?P<hint>[^\n]*))?', re.MULTILINE)
IN_PLACE = re.compile(r'in its place: the record at byte (\d+) of (.*)')


def faults_of(talk: bytes) -> List[Fault]:
    found = []
    for m in FAULT.finditer(talk.decode(errors='replace')):
        hint = IN_PLACE.fullmatch(m['hint'] or '')
        found.append(Fault(m['path'], int(m['byte'] or -1), int(m['record'] or -1), m['what'],
                           int(hint[1]) if hint else -1, hint[2] if hint else ''))
    return found


def run_verify(output: str, *args: str, status: Optional[int] = None,
               **more) -> 'subprocess.CompletedProcess[bytes]':
    return suite.run_cleave('verify', output, *args, status=status, **more)


def verify(output: str, *args: str, status: int = 0, **more) -> dict:
    """The summary, which must agree with the status."""
    done = run_verify(output, '--json', *args, status=status, **more)
    summary = json.loads(done.stdout)
    check_equal(summary['proven'], status == 0, 'proven')
    check_equal(summary['faults'] == 0, status == 0, 'no faults')
    if status == 0:
        check_equal(done.stderr, b'', 'standard error')
    return summary


def split(inputs: Sequence[str], output: str, *flags: str, status: Optional[int] = 0,
          **more) -> Optional[dict]:
    """The summary; None: refused, where the status is left open."""
    done = suite.run_cleave('split', *inputs, '-o', output, '--json', *flags, status=status, **more)
    if status is None and done.returncode not in (0, 1):
        check_equal(done.returncode, 2, 'status of split: %s' % done.stderr.decode())
        return None
    return json.loads(done.stdout)


def proven(inputs: Sequence[str], *flags: str, status: Optional[int] = 0,
           knobs: Sequence[str] = ()) -> bool:
    """What these inputs become is proven, and what split --verify makes is the same. false: they
    are refused. knobs: of verify."""
    try:
        return _proven(inputs, flags, status, knobs)
    except Failed as fault:
        raise Failed('%.500s %s: %s' % (' '.join(flags), [os.path.basename(p) for p in inputs],
                                        fault)) from None


def _proven(inputs: Sequence[str], flags: Sequence[str], status: Optional[int],
            knobs: Sequence[str]) -> bool:
    output = suite.path('out')
    shutil.rmtree(output, ignore_errors=True)
    said = split(inputs, output, *flags, status=status)
    if said is None:
        check(not os.path.exists(output), 'refused, and an output is there')
        return False
    summary = verify(output, *knobs)
    for mine, theirs in (('records_read', 'records_read'), ('records_written', 'records_written'),
                         ('outputs', 'outputs')):
        check_equal(summary[mine], said[theirs], mine)
    check_equal(summary['dropped'], sum(said['dropped'].values()), 'dropped')
    wanted = harness.files_of(output)
    again = split(inputs, output, '--verify', '--force', *flags, status=status)
    check_equal(again and again['verified'], said['outputs'], 'outputs that are verified')
    found = harness.files_of(output)
    digests = {name: DIGEST.findall(data) for name, data in found.items()
               if os.path.basename(name) == 'cleave.json'}
    of_records = [name for name in digests if '--each' not in flags or '/' in name]
    for name in digests:
        check_equal(len(digests[name]), int(name in of_records and '--recover' not in flags),
                    'digests of records in ' + name)
        found[name] = DIGEST.sub(b'', found[name])
    harness.check_files(found, wanted)
    verify(output)  # and the digest is the records'
    return True


DIGEST = re.compile(rb'  "records_digest": "[0-9a-f]{64}",\n')


# ---- captures ----

TUNNELS = (0, 1, 2, 3)
MACS = ['02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:00:00:03']


def tunnelled(rng: random.Random, packet: bytes) -> bytes:
    """The IP packet within another."""
    kind = pf.TYPE_IPV6 if packet[0] >> 4 == 6 else pf.TYPE_IPV4
    src, dst = rng.sample(rng.choice([made.HOSTS4, made.HOSTS6]), 2)
    way, number = rng.choice(TUNNELS), rng.choice([1, 4711])
    if way == 0:
        return pf.ip(src, dst, 41 if kind == pf.TYPE_IPV6 else 4, packet)
    if way == 1:
        return pf.ip(src, dst, pf.GRE, struct.pack('!HHI', 0x2000, kind, number) + packet)
    frame = pf.ethernet(packet, kind)
    if way == 2:
        frame = struct.pack('!II', 0x08000000, number << 8) + frame
        return pf.ip(src, dst, pf.UDP, pf.udp(src, dst, 50000, 4789, frame))
    return pf.ip(src, dst, pf.GRE, struct.pack('!HH', 0, 0x6558) + frame)


def frames(rng: random.Random, n: int, talks: Sequence[made.Talk]) -> List[bytes]:
    """Talks in both directions, TCP with all flags; VLANs, tunnels, fragments, no address."""
    out: List[bytes] = []
    while len(out) < n:
        if rng.random() < 0.05:
            out.append(rng.choice(made.NO_ADDRESS))
            continue
        packet = made.ip_packet(rng, rng.choice(list(talks)), rng.randbytes(rng.randrange(120)))
        while rng.random() < 0.15 and len(packet) < 500:
            packet = tunnelled(rng, packet)
        kind = pf.TYPE_IPV6 if packet[0] >> 4 == 6 else pf.TYPE_IPV4
        out.append(pf.ethernet(packet, kind, *rng.sample(MACS, 2),
                               vlans=rng.choice([(), (), (7,), (8,), ((pf.TYPE_QINQ, 5), 7)])))
    return out


def talks_of(rng: random.Random, n: int = 25) -> List[made.Talk]:
    return [made.random_talk(rng) for _ in range(n)]


def savefile(rng: random.Random, fmt: pf.Format, n: int = 200,
             talks: Optional[Sequence[made.Talk]] = None) -> bytes:
    now, packets = NOON_NS, []
    for data in frames(rng, n, talks or talks_of(rng)):
        now += rng.choice([0, 1, 1000, -1000, 10**6, -10**6, 10**9, 5 * 10**9])
        packets.append(pf.Packet(data[:rng.choice([len(data), len(data), 60])], now,
                                 len(data) + rng.choice([0, 0, 4])))
    return pf.Capture(fmt, packets).encode()


FORMATS: Dict[str, pf.Format] = {
    'us': pf.Format(),
    'ns': pf.Format('ns'),
    'us-big': pf.Format(big_endian=True),
    'ns-big': pf.Format('ns', big_endian=True),
    'modified': pf.Format('modified'),
    'modified-big': pf.Format('modified', big_endian=True),
    'fcs': pf.Format(fcs=4, snaplen=1500),
}
SEVERAL = Shape(sections=3, packets=200, interfaces=4, links=made.LINKS,
                resolutions=made.RESOLUTIONS, options=True, obsolete=True, metadata=True,
                ignored=True, snapped=True)
SHAPES: Dict[str, Shape] = {
    'plain': Shape(),
    'all': made.EVERYTHING,
    'several': SEVERAL,
    'simple': Shape(sections=4, simple=True, snapped=True),
    'resolutions': Shape(interfaces=6, sections=2, resolutions=made.RESOLUTIONS),
    'one-link': Shape(sections=3, interfaces=3, options=True, metadata=True),
}


def captures(rng: random.Random, n: int = 200) -> Dict[str, bytes]:
    """One of each kind, with the same talks."""
    talks = talks_of(rng)
    found = {name + '.pcap': savefile(rng, fmt, n, talks) for name, fmt in FORMATS.items()}
    for name, shape in SHAPES.items():
        found[name + '.pcapng'] = ng.encode(made.random_capture(rng, shape, talks))
    return found


def some(rng: random.Random, *names: str) -> List[str]:
    """Paths of captures of these kinds."""
    found = captures(rng)
    return [suite.write(name, found[name]) for name in names]


def usual(rng: random.Random) -> List[str]:
    """One of each format and of each kind of them, by chance."""
    found = captures(rng)
    names = ['us.pcap', rng.choice([n for n in found if n.endswith('.pcap')]), 'several.pcapng',
             rng.choice([n for n in found if n.endswith('.pcapng')])]
    return [suite.write(name, found[name]) for name in dict.fromkeys(names)]


# ---- cases: what is proven ----

Settings = Sequence[Tuple[str, ...]]


def proves(*settings: Tuple[str, ...], build: Callable[[random.Random], List[str]] = usual,
           twice: bool = False) -> Callable[[], None]:
    """Each of the settings with each of the captures. twice: also all of the captures in one."""
    def case() -> None:
        rng = suite.random('proves %r' % (settings[0],))
        paths = build(rng)
        each = [[path] for path in paths] + ([paths] if twice else [])
        for flags in settings:
            for inputs in each:
                proven(inputs, *flags, status=None if '--filter' in flags else 0)
    return case


KEYS = ('ip', 'proto', 'port', 'vlan', 'mac', 'tunnel', 'host', 'client', 'server', 'service',
        'iface', 'flow', 'connection', '3tuple', 'hostpair', 'none', 'ip,port', 'vlan,flow',
        'mac,vlan', 'tunnel,vlan,ip', 'iface,proto', 'client,service', 'host,port',
        'connection,vlan')
BY = tuple(('--by', key) for key in KEYS)
BY_ENDS = tuple(by for by in BY if any(reference.by_of(by[1]).takes(end) for end in 'ab'))
TIMES = ('2017-07-14T12:00:30Z', '1500033700.5')
CUTS = (('--by', 'connection'), ('--idle-timeout', '3s'), ('--active-timeout', '20s'),
        ('--by', 'connection', '--idle-timeout', '2s', '--active-timeout', '9s'),
        ('--every', '10s'), ('--every', '4KiB'), ('--every', '17p'),
        ('--by', 'flow', '--every', '10s'), ('--by', 'flow', '--every', '1KiB'),
        ('--by', 'host', '--every', '3p'), ('--by', 'none', '--every', '1p'))
SHARDS = (('--shards', '1'), ('--shards', '7'), ('--shards', '300', '--by', 'ip'),
          ('--shards', '3', '--shard-by', 'ip'), ('--shards', '5', '--every', '10p'),
          ('--shards', '4', '--no-other'))
FILTERS = (('--filter', 'tcp'), ('--filter', 'udp port 53 or ip6'), ('--filter', 'less 1'),
           ('--host', '10.0.0.0/24,2001:db8::1'), ('--port', '53,400-1000'),
           ('--proto', 'tcp,17'), ('--vlan', '5-7'), ('--after', TIMES[0]), ('--before', TIMES[1]),
           ('--after', TIMES[0], '--before', TIMES[1]), ('--after', '1500033610.000000001'),
           ('--filter', 'ip', '--port', '443', '--by', 'host', '--no-other'))
CHOICES = (('--min-packets', '9'), ('--min-bytes', '900'), ('--top', '5'), ('--top', '100000'),
           ('--min-packets', '5', '--top', '4', '--min-bytes', '300'),
           ('--top', '3', '--by', 'ip', '--inner'), ('--top', '5', '--every', '7p', '--by', 'flow'))
CAPS = (('--max-packets-per-flow', '3'), ('--max-bytes-per-flow', '200'),
        ('--max-packets-per-flow', '2', '--by', 'connection', '--top', '4'),
        ('--max-packets-per-flow', '2', '--by', 'host'))
LENGTHS = tuple(('--snaplen', str(n)) for n in (1, 14, 60, 100000)) + (
    ('--snaplen', '20', '--format', 'pcap'), ('--snaplen', '20', '--format', 'pcapng'),
    ('--snaplen', '34', '--by', 'vlan,ip'))
OUTPUT_FORMATS = (('--format', 'pcap'), ('--format', 'pcapng'), ('--format', 'input'),
                  ('--format', 'pcap', '--by', 'none', '--every', '9p'),
                  ('--format', 'pcapng', '--by', 'host'))
PACKED = tuple((*more, '--compress', kind) for kind in ('zstd', 'gzip')
               for more in ((), ('--format', 'pcap'), ('--format', 'pcapng'), ('--snaplen', '33'),
                            ('--by', 'host'), ('--by', 'none')))
NAMES = ('{n}', '{n:3}-{key}.cap', '{input}/{n}.pcap', '{key}/{n}/x', 'a "{n}", it\'s; ö {proto}',
         '{first}-{n}', '{proto}/{src}_{sport}/{dst}_{dport}-{n}.pcap', '{n}-{community_id}',
         '{n},{vlan},{mac}', 'same', '%{n}\\', '{part}-{n}')
BOOKED = (('--manifest', 'csv'), ('--manifest', 'jsonl'), ('--manifest', 'none'),
          ('--manifest', 'jsonl', '--by', 'tunnel,vlan,mac,iface'),
          ('--manifest', 'jsonl', '--name', NAMES[4]), ('--community-seed', '7'), ('--no-other',),
          ('--no-metadata',), ('--no-other', '--no-metadata', '--by', 'mac'),
          ('--sync', 'full'), ('--cache', 'drop'))


def with_no_other(settings: Settings) -> Settings:
    return tuple((*flags, *more) for flags in settings for more in ((), ('--no-other',)))


def to_stdout() -> None:
    """The table goes elsewhere: none is looked for."""
    output = suite.path('out')
    for path in usual(suite.random('to-stdout')):
        for more in ((), ('--verify',)):
            done = suite.run_cleave('split', path, '-o', output, '-q', '--force', '--manifest', '-',
                                    *more)
            check(done.stdout.startswith(b'file,flow,'), 'no table: %r', done.stdout[:80])
            verify(output)


def names() -> None:
    rng = suite.random('names')
    for path in some(rng, 'us.pcap', 'several.pcapng'):
        for template in NAMES:
            # What does not go with the key is refused.
            proven([path], '--name', template, status=None)
            proven([path], '--name', template, '--by', 'vlan,mac,flow', '--every', '20p',
                   status=None)
    odd = suite.write('a "b", ö\n.pcap', savefile(rng, pf.Format()))
    check(proven([odd], '--name', '{input}-{n}'), 'an odd name is refused')


def not_unicode() -> None:
    """A name is bytes, not text."""
    data = samples.mixed().encode()
    path = suite.path('x')
    raw = os.fsencode(path) + b'-\xe4\xff.pcap'
    with open(raw, 'wb') as f:
        f.write(data)
    for more in ((), ('--name', '{input}-{n}')):
        output = suite.path('out')
        shutil.rmtree(output, ignore_errors=True)
        split([os.fsdecode(raw)], output, *more, '--verify')
        verify(output, os.fsdecode(raw))
        done = run_verify(output)  # JSON is text: the name in the record is another
        check(done.returncode == 0 or done.returncode == 2 and b'cannot be opened' in done.stderr,
              'without a name: %d, %r', done.returncode, done.stderr)
    for flag, value in ('--name', b'\xe4{n}'), ('--filter', b'\xa8'):
        done = suite.run_cleave('split', os.fsdecode(raw), flag, os.fsdecode(value), status=2)
        check_equal(done.stderr, b'cleave: %s: is not UTF-8\n' % flag.encode(), 'what is said')


def long_options() -> None:
    """The run's record holds options of any length."""
    path = suite.write('a.pcap', samples.mixed().encode())
    proven([path], '--port', ','.join(map(str, range(1, 20000))))
    proven([path], '--host', ','.join('10.0.%d.%d' % (i >> 8, i & 255) for i in range(8000)))


def one_of_two_numbers() -> None:
    """libpcap knows raw IP by two numbers and writes one of them."""
    inputs = [suite.write('%d.pcap' % linktype, pf.Capture(
        pf.Format('ns' if linktype == 1 else 'us', linktype=linktype),
        [pf.Packet(bytes(14 if linktype == 1 else 0) + pf.ip(
            '10.0.0.1', '10.0.0.2', pf.UDP, pf.udp('10.0.0.1', '10.0.0.2', 5, 6, b'x')), 1)],
        ).encode()) for linktype in (12, 101, 1)]
    for ways in ((), ('--merge',)):
        proven(inputs, '--by', 'none', '--format', 'pcap', *ways)


def knobs() -> None:
    """What says how a run goes, not what it makes."""
    rng = suite.random('knobs')
    kinds = {'--threads': ['', '1', '2', '3'], '--window': ['', '64KiB', '1MiB'],
             '--memory': ['', '1MiB', '16MiB'], '--max-open': ['', '16']}
    big = suite.path('big.pcap')
    suite.run_cleave('generate', 'traffic', '-q', '--flows', '400', '--bytes', '3MB', '--ipv6',
                     '20', '--vlan', '20', '--udp', '30', '--fragments', '30', '--other', '2',
                     '-o', big)
    talks = talks_of(rng)
    shape = Shape(sections=6, packets=6000, interfaces=4, options=True, metadata=True, ignored=True)
    large = suite.write('large.pcapng', ng.encode(made.random_capture(rng, shape, talks)))
    for flags in harness.knob_settings(kinds, rng, 6):
        path, more = rng.choice([big, large]), rng.choice(BY + CUTS + OUTPUT_FORMATS + ((),))
        mine = [word for flag in ('--threads', '--memory') if rng.random() < 0.6
                for word in (flag, rng.choice([v for v in kinds[flag] if v]))]
        proven([path], *flags, *more, knobs=mine)


def several() -> None:
    """Inputs of different kinds, one behind the other, merged, each for itself."""
    rng = suite.random('several')
    found = captures(rng)
    found.pop('simple.pcapng')
    found.pop('all.pcapng')  # both have packets without time
    paths = {name: suite.write(name, data) for name, data in found.items()}
    for ways in ((), ('--merge',), ('--each',)):
        for more in ((), ('--format', 'pcap'), ('--format', 'pcapng'), ('--by', 'host'),
                     ('--by', 'connection', '--every', '9p'), ('--snaplen', '50'),
                     ('--top', '9'), ('--recover',), ('--name', '{input}/{n}')):
            chosen = rng.sample(sorted(paths), rng.randint(2, 4))
            proven([paths[name] for name in chosen], *ways, *more)
    same = [suite.write('same-%d.pcap' % i, found['us.pcap']) for i in range(3)]
    for ways in ((), ('--merge',), ('--each',)):
        proven(same, *ways)
        proven([paths['us.pcap']], *ways)


def equal_names() -> None:
    """With --each: a, a-2, and a-2 that already exists."""
    rng = suite.random('equal-names')
    inputs = []
    for i, name in enumerate(('day.pcap', 'day.pcap', 'day-2.pcap', 'day.pcapng', 'day')):
        os.mkdir(suite.path(str(i)))
        inputs.append(suite.write('%d/%s' % (i, name), savefile(rng, pf.Format())))
    for order in (inputs, inputs[::-1], inputs[2:] + inputs[:2]):
        proven(order, '--each')
        proven(order, '--each', '--manifest', 'jsonl', '--compress', 'gzip')


def hurt(rng: random.Random, data: bytes, n: int) -> bytes:
    """The same with stretches of rubbish in it, behind the first kilobyte."""
    out = bytearray(data)
    for _ in range(n):
        at = rng.randrange(1000, len(out))
        if rng.random() < 0.5:
            out[at:at + rng.randrange(40)] = rng.randbytes(rng.randrange(1, 60))
        else:
            out[at] ^= 1 << rng.randrange(8)
    return bytes(out)


def damaged() -> None:
    rng = suite.random('damaged')
    found = captures(rng)
    for name, data in found.items():
        for bad in (hurt(rng, data, 1), hurt(rng, data, 6), data[:-1], data[:len(data) // 2]):
            path = suite.write(name, bad)
            for flags in ((), ('--recover',), ('--recover', '--format', 'pcapng'),
                          ('--recover', '--by', 'vlan,ip', '--every', '30p')):
                proven([path], *flags, status=None)
    chosen = [suite.write(n, hurt(rng, found[n], 2)) for n in ('us.pcap', 'ns.pcap', 'us-big.pcap')]
    for ways in ((), ('--merge',), ('--each',)):
        for more in ((), ('--recover',)):
            proven(chosen, *ways, *more, status=None)


def empty() -> None:
    """Captures without records, and outputs without any."""
    none = [suite.write('none.pcap', pf.Format().header()),
            suite.write('none.pcapng', ng.Maker().shb()),
            suite.write('idle.pcapng', ng.Maker().shb() + ng.Maker().idb())]
    for path in none:
        for flags in ((), ('--manifest', 'jsonl'), ('--manifest', 'none'), ('--top', '3'),
                      ('--compress', 'gzip'), ('--by', 'none'), ('--each',), ('--format', 'pcap')):
            proven([path], *flags)
    proven(none, '--merge')
    proven(none + some(suite.random('empty'), 'us.pcap'), '--merge')
    for path in some(suite.random('empty'), 'us.pcap', 'plain.pcapng'):
        proven([path], '--port', '1', '--proto', 'sctp', '--no-other')


def hand_made() -> None:
    """The samples with names, and random captures of the shapes that there are."""
    rng = suite.random('hand-made')
    settings: Settings = BY + CUTS + SHARDS + FILTERS + CHOICES + LENGTHS + OUTPUT_FORMATS + PACKED
    for name, build in samples.SAMPLES.items():
        path = suite.write(name + '.pcap', build().encode())
        for flags in ((), rng.choice(settings), rng.choice(settings)):
            proven([path], *flags, status=None)
    for i in range(harness.times(40)):
        shape = rng.choice(list(SHAPES.values()) + [made.EVERYTHING] * 3)
        path = suite.write('%d.pcapng' % i, ng.encode(made.random_capture(rng, shape)))
        proven([path], *rng.choice(settings), status=None)


def mixes() -> None:
    """Options that come together by chance."""
    rng = suite.random('mixes')
    found = captures(rng)
    paths = [suite.write(name, data) for name, data in found.items()]
    kinds: Sequence[Settings] = (
        BY, CUTS + SHARDS + CHOICES, FILTERS, CAPS, LENGTHS, OUTPUT_FORMATS, PACKED,
        BOOKED, (('--inner',), ('--directed',), ('--recover',)),
        tuple(('--name', n) for n in NAMES))
    done = 0
    for _ in range(harness.times(220)):
        flags: Dict[str, str] = {}
        for kind in rng.sample(kinds, rng.randint(2, 5)):
            words = list(rng.choice(kind))
            while words:
                flag = words.pop(0)
                flags[flag] = words.pop(0) if words and not words[0].startswith('--') else ''
        inputs = rng.sample(paths, rng.choice([1, 1, 1, 2, 3]))
        if len(inputs) > 1 and rng.random() < 0.6:
            flags[rng.choice(['--each', '--merge'])] = ''
        words = [word for pair in flags.items() for word in pair if word or word == pair[0]]
        done += proven(inputs, *words, status=None)
    check(done > harness.times(60), 'only %d are not refused', done)


def packed_inputs() -> None:
    """Compressed captures, which have a second size."""
    rng = suite.random('packed-inputs')
    kinds: Dict[str, Callable[[bytes], bytes]] = {
        'gz': gzip.compress, 'xz': lzma.compress, 'bz2': bz2.compress}
    for tool, ending in (('zstd', 'zst'), ('lz4', 'lz4')):
        if shutil.which(tool):
            kinds[ending] = lambda data, tool=tool: harness.run([tool, '-qc'], input=data).stdout
    for ending, pack in kinds.items():
        inputs = [suite.write('%s.%s' % (name, ending), pack(data))
                  for name, data in captures(rng).items()
                  if name in ('us.pcap', 'ns-big.pcap', 'several.pcapng')]
        if split(inputs[:1], suite.path('try'), '--force', status=None) is None:
            continue  # the build lacks the library
        for path in inputs:
            proven([path], status=None)
            proven([path], '--top', '5', '--compress', 'gzip')
        proven(inputs, '--merge')
        proven(inputs, '--each')


def feed(data: bytes, *args: str) -> 'subprocess.CompletedProcess[bytes]':
    return suite.run_cleave(*args, status=0, input=data)


def pipes() -> None:
    """Standard input: what was read is proven. Later, the capture must be named."""
    rng = suite.random('pipes')
    output = suite.path('out')
    for name, data in captures(rng).items():
        path = suite.write(name, data)
        for more in ((), ('--threads', '1', '--window', '64KiB'), ('--compress', 'gzip'),
                     ('--by', 'host', '--manifest', 'jsonl')):
            done = feed(data, 'split', '-', '-o', output, '--force', '--verify', '--json', *more)
            said = json.loads(done.stdout)
            check_equal(said['verified'], said['outputs'], 'outputs that are verified')
            verify(output, path)
            check_equal(json.loads(feed(data, 'verify', output, '-', '--json').stdout)['proven'],
                        True, 'from standard input: proven')
    fifo = suite.path('fifo')
    os.mkfifo(fifo)
    with subprocess.Popen(['cat', path], stdout=open(fifo, 'r+b', buffering=0)) as cat:
        check(cat.stdin is None, 'a pipe')
    data = open(path, 'rb').read()
    with subprocess.Popen([suite.cleave, 'split', fifo, '-o', output, '--force', '--verify', '-q'],
                          stderr=subprocess.PIPE) as child:
        with open(fifo, 'wb') as f:
            f.write(data)
        _, talk = child.communicate(timeout=harness.HANGS_S)
    check_equal(child.returncode, 0, 'from a FIFO: %r' % talk)
    verify(output, path)


def other_captures() -> None:
    """Who looks at another capture than was split is told so."""
    rng = suite.random('other-captures')
    output = suite.path('out')
    data = savefile(rng, pf.Format())
    path = suite.write('a.pcap', data)
    split([path], output, '--verify')
    for at in len(data) - 1, 30:  # a byte of a packet, of a time
        with open(path, 'wb') as f:
            f.write(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
        told = run_verify(output, path, status=1).stderr
        check(b'a.pcap: has different records now than when it was split\n' in told, 'says %r', told)


def moved() -> None:
    """Inputs under other names, outputs under another: the record says what they were called."""
    rng = suite.random('moved')
    found = captures(rng)
    os.mkdir(suite.path('elsewhere'))
    for ways in ((), ('--merge',), ('--each',), ('--name', '{input}/{key}-{n}')):
        inputs = [suite.write(n, found[n]) for n in ('us.pcap', 'ns.pcap', 'several.pcapng')]
        shutil.rmtree(suite.path('out'), ignore_errors=True)
        shutil.rmtree(suite.path('renamed'), ignore_errors=True)
        split(inputs, suite.path('out'), *ways)
        verify(suite.path('out'))
        verify(suite.path('out') + '/')
        verify(suite.path('out'), *inputs)
        os.rename(suite.path('out'), suite.path('renamed'))
        now = [suite.path('elsewhere', str(i)) for i in range(len(inputs))]
        for a, b in zip(inputs, now):
            os.rename(a, b)
        verify(suite.path('renamed'), *now)
        done = run_verify(suite.path('renamed'), status=2)
        check(inputs[0].encode() in done.stderr, 'no word of the capture: %r', done.stderr)
    # From where they are found by their relative names.
    inputs = [suite.write(n, found[n]) for n in ('us.pcap', 'ns.pcap')]
    split([os.path.basename(p) for p in inputs], 'there', cwd=suite.dir)
    verify('there', cwd=suite.dir)
    verify('../there', '../us.pcap', '../ns.pcap', cwd=suite.path('elsewhere'))


def field() -> None:
    """Captures from the field, options in turn."""
    top, rng = harness.shared_captures(), suite.random('field')
    settings = list(((),) * 30 + BY + CUTS + SHARDS + FILTERS + CHOICES + CAPS + LENGTHS +
                    OUTPUT_FORMATS + PACKED + BOOKED + (('--recover',),) * 20 + (('--inner',),) * 9)
    done = 0
    for name in sorted(os.listdir(top)):
        path = os.path.join(top, name)
        if os.path.getsize(path) > 1 << 20 and rng.random() < 0.7:
            continue
        done += proven([path], *rng.choice(settings), status=None)
    check(done > 60, 'only %d captures are split', done)



# ---- what is done to outputs ----

class Plain:
    """An output as it is unpacked, and where its records are."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.is_ng = data[:4] == b'\n\r\r\n'
        if self.is_ng:
            blocks, damage = ng.parse(data)
            check(damage is None, 'what was written is damaged: %s', damage)
            packets = ng.of_kind(blocks, ng.Packet)
            self.blocks = blocks
            self.order = packets[0].order
            self.spans = [(b.offset, b.offset + len(b.raw)) for b in packets]
            self.at = 28  # of a packet, in its block
            self.caplens = [b.caplen for b in packets]
        else:
            saved = pf.parse(data)
            check(saved.damage_at is None, 'what was written is damaged: byte %s', saved.damage_at)
            self.order = saved.format.order
            self.spans = [(r.offset, r.offset + len(r.raw)) for r in saved.records]
            self.at = saved.format.record_header_len
            self.caplens = [r.caplen for r in saved.records]

    @property
    def n(self) -> int:
        return len(self.spans)

    def raw(self, i: int) -> bytes:
        return self.data[slice(*self.spans[i])]

    def with_raw(self, i: int, raw: bytes) -> bytes:
        a, b = self.spans[i]
        return self.data[:a] + raw + self.data[b:]

    def field(self, i: int, at: int, change: int) -> bytes:
        """A field of 32 bits of a record's header, changed by so much."""
        raw = bytearray(self.raw(i))
        value, = struct.unpack_from(self.order + 'I', raw, at)
        struct.pack_into(self.order + 'I', raw, at, value + change & 0xffffffff)
        return self.with_raw(i, bytes(raw))

    def flip(self, at: int, bit: int = 0) -> bytes:
        out = bytearray(self.data)
        out[at] ^= 1 << bit
        return bytes(out)

    def record_at(self, i: int) -> int:
        """Where a record is, or would be."""
        return self.spans[i][0] if i < self.n else len(self.data)


class Deed(NamedTuple):
    """What was done to an output, and how it must be told."""
    data: bytes
    record: int    # counted from 0, -1: not told
    source: int    # the record of the flow that is told of, -1: none
    words: str     # of the text, a regular expression
    inside: bool = False  # the output's record must be where the altered file has that number


def dropped(p: Plain, i: int) -> Deed:
    return Deed(p.with_raw(i, b''), i, i, 'missing')


def doubled(p: Plain, i: int) -> Deed:
    return Deed(p.with_raw(i, p.raw(i) * 2), i + 1, i + 1 if i + 1 < p.n else -1,
                'more often|does not belong')


def bit(p: Plain, i: int) -> Deed:
    """The last one of the packet."""
    at = p.spans[i][0] + p.at + p.caplens[i] - 1
    return Deed(p.flip(at, 7), i, i, r'altered: its packet of \d+ bytes differs')


def wire_length(p: Plain, i: int) -> Deed:
    return Deed(p.field(i, 24 if p.is_ng else 12, 1), i, i, 'altered: .*length on the wire')


def captured_length(p: Plain, i: int) -> Deed:
    """One byte less."""
    raw, n = p.raw(i), p.caplens[i] - 1
    if p.is_ng:
        m = ng.Maker(p.order == '>')
        packet = ng.of_kind(p.blocks, ng.Packet)[i]
        hi, lo = struct.unpack_from(p.order + 'II', raw, 12)
        raw = m.epb(packet.interface.id, hi << 32 | lo, packet.data[:n], packet.origlen,
                    packet.options)
    else:
        raw = raw[:8] + struct.pack(p.order + 'I', n) + raw[12:p.at + n]
    return Deed(p.with_raw(i, raw), i, i, 'altered: %d bytes of packet, not %d' % (n, n + 1))


def later(p: Plain, i: int) -> Deed:
    return Deed(p.field(i, 16 if p.is_ng else 4, 1), i, i, 'altered: its time')


def earlier(p: Plain, i: int) -> Deed:
    return Deed(p.field(i, 16 if p.is_ng else 4, -1), i, i, 'altered: its time')


def swapped(p: Plain, i: int) -> Deed:
    i = min(i, p.n - 2)
    i += p.spans[i][1] != p.spans[i + 1][0]  # the block of an interface lies between
    (a, b), (_, d) = p.spans[i:i + 2]
    return Deed(p.data[:a] + p.data[b:d] + p.data[a:b] + p.data[d:], i, i, 'order')


def strange(p: Plain, i: int) -> Deed:
    """A record that nobody wrote."""
    raw = bytearray(p.raw(i))
    raw[p.at + p.caplens[i] - 1] ^= 1
    at = p.spans[i][1]
    return Deed(p.data[:at] + bytes(raw) + p.data[at:], i + 1, i + 1 if i + 1 < p.n else -1,
                'does not belong')


DEEDS: Sequence[Callable[[Plain, int], Deed]] = (
    dropped, doubled, bit, wire_length, captured_length, later, earlier, swapped, strange)


def comment(p: Plain, i: int) -> Deed:
    """A letter of an option of the packet's block."""
    raw = p.raw(i)
    at = raw.index(b'note')
    return Deed(p.with_raw(i, raw[:at] + b'mote' + raw[at + 4:]), i, i, 'altered: .*options')


def no_options(p: Plain, i: int) -> Deed:
    m, packet = ng.Maker(p.order == '>'), ng.of_kind(p.blocks, ng.Packet)[i]
    hi, lo = struct.unpack_from(p.order + 'II', packet.raw, 12)
    raw = m.epb(packet.interface.id, hi << 32 | lo, packet.data, packet.origlen)
    return Deed(p.with_raw(i, raw), i, i, 'altered: .*options')


def interface(p: Plain, i: int) -> Deed:
    """A letter of what is said of the first packet's interface."""
    at = ng.of_kind(p.blocks, ng.Packet)[0].interface.offset
    at = p.data.index(b'if', at)
    del i
    return Deed(p.data[:at] + b'IF' + p.data[at + 2:], 0, 0, 'altered: its interface')


NG_DEEDS = (comment, no_options, interface)


class Packing(NamedTuple):
    flags: Tuple[str, ...]
    ending: str
    pack: Callable[[bytes], bytes]
    unpack: Callable[[bytes], bytes]


def zstd(*args: str) -> Callable[[bytes], bytes]:
    def through(data: bytes) -> bytes:
        done = harness.run([harness.tool('zstd'), '-q', '-c', *args], input=data)
        check_equal(done.returncode, 0, 'zstd: %r' % done.stderr)
        return done.stdout
    return through


def as_is(data: bytes) -> bytes:
    return data


PLAIN = Packing((), '', as_is, as_is)
GZIP = Packing(('--compress', 'gzip'), '.gz', lambda data: gzip.compress(data, mtime=0),
               gzip.decompress)
ZSTD = Packing(('--compress', 'zstd'), '.zst', zstd(), zstd('-d'))

FLOWS, EACH = 4, 9  # of the captures that are damaged here, and records of a flow


def of_flow(flow: int, i: int) -> bytes:
    src = '10.0.%d.1' % flow
    return pf.frame(src, '192.0.2.1', pf.UDP, pf.udp(src, '192.0.2.1', 5000 + flow, 53,
                                                    b'%d of %d ' % (i, flow) + bytes(10 + i % 10)))


def interleaved(n: int = FLOWS, each: int = EACH, first: int = 0) -> List[bytes]:
    """Flow 1 to n in turn, and what has no address."""
    return [of_flow(flow, i) for i in range(first, first + each) for flow in range(1, n + 1)] + \
        [pf.arp('10.0.0.1', '10.0.0.%d' % i) for i in (2, 3)]


def as_savefile(fmt: pf.Format, frames_: Sequence[bytes]) -> bytes:
    return pf.Capture(fmt, pf.at_times(frames_, NOON_NS, 1001001)).encode()


def as_blocks(big: bool, frames_: Sequence[bytes]) -> bytes:
    """Two interfaces in turn, each packet with a comment."""
    m = ng.Maker(big)
    out = [m.idb(1, 0, m.if_options('if%d' % i, ng.tsresol(10, 9))) for i in (0, 1)]
    for i, data in enumerate(frames_):
        out.append(m.epb(i // FLOWS % 2, NOON_NS + 1001001 * i, data,
                         options=m.epb_options(['note %d' % i])))
    return ng.Section(m, out).encode()


class Form(NamedTuple):
    """A capture, and how it is split."""
    data: Callable[[Sequence[bytes]], bytes]
    flags: Tuple[str, ...] = ()
    packing: Packing = PLAIN

    @property
    def all_flags(self) -> Tuple[str, ...]:
        return ('--name', '{n}', *self.flags, *self.packing.flags)


def savefile_form(fmt: pf.Format, *flags: str, packing: Packing = PLAIN) -> Form:
    return Form(lambda frames_: as_savefile(fmt, frames_), flags, packing)


def block_form(big: bool, *flags: str, packing: Packing = PLAIN) -> Form:
    return Form(lambda frames_: as_blocks(big, frames_), flags, packing)


FORMS: Dict[str, Form] = {
    'us': savefile_form(pf.Format()),
    'ns': savefile_form(pf.Format('ns')),
    'ns-big': savefile_form(pf.Format('ns', big_endian=True)),
    'modified': savefile_form(pf.Format('modified')),
    'ng': block_form(False),
    'ng-big': block_form(True),
    'us-zstd': savefile_form(pf.Format(), packing=ZSTD),
    'ng-zstd': block_form(False, packing=ZSTD),
    'ns-gzip': savefile_form(pf.Format('ns'), packing=GZIP),
    'ng-to-pcap': block_form(True, '--format', 'pcap'),
    'pcap-to-ng': savefile_form(pf.Format('ns', True), '--format', 'pcapng'),
    'cut': savefile_form(pf.Format(), '--snaplen', '50'),
    'keyed': savefile_form(pf.Format(), '--by', 'vlan,flow'),
}


class Made:
    """An output directory, to be damaged and mended again."""

    def __init__(self, form: Form, name: str = 'capture', n: int = FLOWS, each: int = EACH) -> None:
        self.form = form
        data = form.data(interleaved(n, each))
        self.path = suite.write(name, data)
        self.output = suite.path(name + '.out')
        self.packed: Dict[bytes, bytes] = {}
        shutil.rmtree(self.output, ignore_errors=True)
        split([self.path], self.output, '--force', *form.all_flags)
        found = Plain(data)
        self.offsets = [[found.spans[i * n + flow][0] for i in range(each)] for flow in range(n)]

    def file(self, flow: int) -> str:
        return os.path.join(self.output, '%d%s' % (flow + 1, self.form.packing.ending))

    def read(self, flow: int) -> Plain:
        with open(self.file(flow), 'rb') as f:
            packed = f.read()
        plain = Plain(self.form.packing.unpack(packed))
        self.packed[plain.data] = packed
        return plain

    def write(self, flow: int, data: bytes) -> None:
        """What was read is written as it was: its size is that of the run."""
        with open(self.file(flow), 'wb') as f:
            f.write(self.packed.get(data) or self.form.packing.pack(data))


def looked_at(output: str, *args: str, status: int = 1,
              **more) -> Tuple[List[Fault], 'subprocess.CompletedProcess[bytes]']:
    done = run_verify(output, *args, '--json', status=status, **more)
    if status == 1:
        check_equal(json.loads(done.stdout)['proven'], False, 'proven')
    faults = faults_of(done.stderr)
    check(faults, 'not a word of what is wrong: %r', done.stderr)
    return faults, done


def check_paths(faults: Sequence[Fault], wanted: Sequence[str]) -> None:
    """These files are named, and no others."""
    check_equal(sorted({os.path.basename(f.path) for f in faults}),
                sorted({os.path.basename(w) for w in wanted}), 'files that are named')


def check_told(faults: Sequence[Fault], path: str, deed: Deed, plain: Plain, source: str,
               offsets: Sequence[int], exact: bool = True) -> None:
    """One of the faults is the deed's. exact: of the file there is no other."""
    mine = [f for f in faults if f.path == path]
    check(mine, 'no word of %s: %s', path, faults)
    if exact:
        check_equal(len(mine), 1, 'faults of one file: %s' % mine)
    for f in mine:
        end = deed.record >= plain.n
        byte = [plain.record_at(deed.record)] + ([-1] if end else [])
        number = [deed.record + 1] + ([-1] if end else [])
        origin = (offsets[deed.source], source) if deed.source >= 0 else (-1, '')
        if re.search(deed.words, f.what) and f.byte in byte and f.record in number and \
                (f.input_byte, f.input_path) == origin:
            return
    raise Failed('%s: told of %s; should be %r in record %d at byte %d, that of %s at byte %s' % (
        path, mine, deed.words, deed.record + 1, plain.record_at(deed.record), source,
        offsets[deed.source] if deed.source >= 0 else 'none'))


def parsed(data: bytes) -> Plain:
    return Plain(data)


# ---- cases: records ----

def records(form: Form) -> Callable[[], None]:
    """Each deed at the first, a middle, and the last record of an output."""
    def case() -> None:
        m = Made(form)
        verify(m.output)
        for flow in (0, FLOWS - 1):
            plain = m.read(flow)
            check_equal(plain.n, EACH, 'records of a flow')
            more = NG_DEEDS if plain.is_ng and '--format' not in form.flags else ()
            for do in (*DEEDS, *more):
                for i in (0, EACH // 2, EACH - 1):
                    what = '%s of record %d of flow %d' % (do.__name__, i, flow)
                    try:
                        deed = do(plain, i)
                        m.write(flow, deed.data)
                        faults, _ = looked_at(m.output)
                        check_paths(faults, [m.file(flow)])
                        check_told(faults, m.file(flow), deed, parsed(deed.data), m.path,
                                   m.offsets[flow])
                    except Failed as fault:
                        raise Failed('%s: %s' % (what, fault)) from None
            m.write(flow, plain.data)
        verify(m.output)
    return case


def moved_records(form: Form) -> Callable[[], None]:
    """Out of one output, into another: in front, in the middle, behind."""
    def case() -> None:
        m = Made(form)
        for i in (0, EACH // 2, EACH - 1):
            for to in (0, EACH // 2, EACH):
                here, there = m.read(0), m.read(2)
                at = there.record_at(to)
                gone = dropped(here, i)
                new = there.data[:at] + here.raw(i) + there.data[at:]
                m.write(0, gone.data)
                m.write(2, new)
                faults, _ = looked_at(m.output)
                check_paths(faults, [m.file(0), m.file(2)])
                check_told(faults, m.file(0), gone, parsed(gone.data), m.path, m.offsets[0])
                check_told(faults, m.file(2), Deed(new, to, to if to < EACH else -1, 'not belong'),
                           parsed(new), m.path, m.offsets[2], exact=False)
                keys = [f for f in faults if 'of another flow' in f.what]
                if '--snaplen' not in form.flags:
                    check_equal([(f.path, f.byte, f.record) for f in keys],
                                [(m.file(2), parsed(new).spans[to][0], to + 1)], 'another flow')
                m.write(0, here.data)
                m.write(2, there.data)
        verify(m.output)
    return case


def ends() -> None:
    """Bytes behind the last record, and an end cut off."""
    for form in FORMS.values():
        m = Made(form)
        plain = m.read(1)
        last = plain.spans[-1]
        for data, byte in ((plain.data + b'\xff' * 5, last[1]), (plain.data[:-3], last[0]),
                           (plain.data + bytes(96), last[1]), (plain.data[:last[1] - 1], last[0]),
                           (plain.data[:10], None), (b'', None), (b'no capture at all' * 9, None)):
            m.write(1, data)
            faults, _ = looked_at(m.output)
            check_paths(faults, [m.file(1)])
            check(byte is None or byte in [f.byte for f in faults], 'the byte is not %s: %s', byte,
                  faults)
        if form.packing is not PLAIN:
            packed = form.packing.pack(plain.data)
            for raw in (packed[:-1], packed[:len(packed) // 2]):
                with open(m.file(1), 'wb') as f:
                    f.write(raw)
                check_paths(looked_at(m.output)[0], [m.file(1)])
        m.write(1, plain.data)
        verify(m.output)


def headers() -> None:
    """A bit of the file's header, or of blocks that are no packets."""
    for name in ('us', 'ns-big', 'modified', 'us-zstd'):
        m = Made(FORMS[name])
        plain = m.read(0)
        for at in (0, 4, 6, 8, 12, 16, 20, 23):
            m.write(0, plain.flip(at))
            check_paths(looked_at(m.output)[0], [m.file(0)])
    m = Made(FORMS['modified'])
    plain = m.read(0)
    for i in (0, EACH - 1):
        deed = Deed(plain.field(i, 16, 1), i, i, 'altered: its interface, or what its header')
        m.write(0, deed.data)
        check_told(looked_at(m.output)[0], m.file(0), deed, parsed(deed.data), m.path, m.offsets[0])


# ---- cases: many faults ----

def many() -> None:
    """Faults in several files at once; more than are looked at closely; more than are printed."""
    m = Made(FORMS['us'], n=30)
    deeds: Dict[int, Deed] = {}
    plains = [m.read(flow) for flow in range(30)]
    chosen = (dropped, doubled, bit, later, swapped)
    for flow in range(30):
        deeds[flow] = chosen[flow % len(chosen)](plains[flow], flow % (EACH - 1))
        m.write(flow, deeds[flow].data)
        faults, done = looked_at(m.output)
        check_equal(json.loads(done.stdout)['faults'], flow + 1, 'faults')
        if flow >= SHOWN:
            check(b'and %d more fault' % (flow + 1 - SHOWN) in done.stderr, 'more faults: %r',
                  done.stderr)
            continue
        check_paths(faults, [m.file(i) for i in deeds])
        close = [f for f in faults if f.byte >= 0]
        check(len(close) >= min(flow + 1, SUSPECTS), 'looked at closely: %s', close)
        for f in close:
            i = int(os.path.basename(f.path)) - 1
            check_told(faults, f.path, deeds[i], parsed(deeds[i].data), m.path, m.offsets[i])
    for flow, plain in enumerate(plains):
        m.write(flow, plain.data)
    for i in range(100):
        with open(os.path.join(m.output, 'stray-%d' % i), 'wb'):
            pass
    faults, done = looked_at(m.output)
    check_equal(json.loads(done.stdout)['faults'], 100, 'faults')
    check(b'and 80 more faults' in done.stderr, 'more faults: %r', done.stderr)


def several_in_one() -> None:
    """The first of several faults of an output is told, and how many there are."""
    m = Made(FORMS['ns'])
    plain = m.read(1)
    first = bit(plain, 2)
    for _, data in (('altered', bit(parsed(first.data), 6).data),
                    ('dropped', dropped(parsed(first.data), 6).data),
                    ('doubled', doubled(parsed(first.data), 6).data)):
        m.write(1, data)
        faults, _ = looked_at(m.output)
        check_told(faults, m.file(1), first, parsed(data), m.path, m.offsets[1])
        check(re.search(r'\d+ missing, \d+ too many', faults[0].what), 'how many: %s', faults)


def long_flow(n: int) -> bytes:
    frame = pf.frame('10.0.0.1', '10.0.0.2', pf.UDP, pf.udp('10.0.0.1', '10.0.0.2', 1, 2, bytes(4)))
    head = struct.Struct('<IIII')
    size = len(frame)
    return pf.Format('ns').header() + b''.join(
        head.pack(made.NOON + i // 1000, i % 1000, size, size) + frame for i in range(n))


def stretches() -> None:
    """A flow of more records than are compared at a time: before, at, and beyond the border."""
    n = STRETCH + 30000
    data = long_flow(n)
    size = (len(data) - pf.FILE_HEADER_LEN) // n
    path, output = suite.write('long.pcap', data), suite.path('out')
    split([path], output, '--name', '{n}')
    file = os.path.join(output, '1')

    def at(i: int) -> int:
        return pf.FILE_HEADER_LEN + i * size

    def tell(new: bytes, i: int, words: str, source: int) -> Fault:
        with open(file, 'wb') as f:
            f.write(new)
        faults, _ = looked_at(output)
        check_equal(len(faults), 1, 'faults: %s' % faults)
        check_equal((faults[0].path, faults[0].record, faults[0].byte, faults[0].input_byte),
                    (file, i + 1, at(i), at(source)), 'where: %s, and should be %s' % (
                        faults[0].what, words))
        check(re.search(words, faults[0].what), 'record %d: %s instead of %s', i, faults[0].what,
              words)
        return faults[0]

    places = (0, 1000, STRETCH - 2, STRETCH - 1, STRETCH, STRETCH + 1, n - 2)
    for i in suite.random('stretches').sample(places, harness.times(len(places))):
        a, b, c = at(i), at(i + 1), at(i + 2)
        short = tell(data[:a] + data[b:], i, 'missing', i)
        double = tell(data[:b] + data[a:b] + data[b:], i + 1, 'more often|not belong', i + 1)
        altered = bytearray(data)
        altered[b - 1] ^= 1
        tell(bytes(altered), i, 'altered: .*packet of .* bytes differs', i)
        tell(data[:a] + data[b:c] + data[a:b] + data[c:], i, 'order', i)
        for fault in (short, double):
            numbers = re.search(r'(\d+) missing, (\d+) too many in all', fault.what)
            if numbers:
                check_equal((int(numbers[1]), int(numbers[2])),
                            (1, 0) if fault is short else (0, 1), 'in all, at record %d' % i)
    with open(file, 'wb') as f:
        f.write(data)
    verify(output)


# ---- cases: files ----

def files() -> None:
    """Missing, too many, and not what they should be."""
    for name in ('us', 'ng', 'us-zstd'):
        m = Made(FORMS[name])
        kept = suite.path('kept')
        for flow in (0, FLOWS - 1):
            os.rename(m.file(flow), kept)
            faults, _ = looked_at(m.output)
            check_paths(faults, [m.file(flow)])
            check('missing' in faults[0].what, 'what: %s', faults)
            os.symlink(kept, m.file(flow))
            check_paths(looked_at(m.output)[0], [m.file(flow)])
            os.remove(m.file(flow))
            os.symlink('nowhere', m.file(flow))
            check_paths(looked_at(m.output)[0], [m.file(flow)])
            os.remove(m.file(flow))
            os.mkdir(m.file(flow))
            check_paths(looked_at(m.output)[0], [m.file(flow)])
            os.rmdir(m.file(flow))
            shutil.copy(m.file(1 + flow % 2), m.file(flow))
            check_paths(looked_at(m.output)[0], [m.file(flow)])
            os.rename(kept, m.file(flow))
        verify(m.output)
        stray = os.path.join(m.output, 'stray')

        def has_stray(path: str) -> None:
            faults, _ = looked_at(m.output)
            check_equal([f.path for f in faults], [path], 'strays')

        shutil.copy(m.file(0), stray)
        has_stray(stray)
        os.remove(stray)
        os.symlink(m.file(0), stray)
        has_stray(stray)
        os.remove(stray)
        os.symlink(m.output, stray)
        has_stray(stray)
        os.remove(stray)
        os.mkfifo(stray)
        has_stray(stray)
        os.remove(stray)
        os.mkdir(stray)
        has_stray(stray)
        shutil.copy(m.file(0), os.path.join(stray, os.path.basename(m.file(0))))
        has_stray(os.path.join(stray, os.path.basename(m.file(0))))
        shutil.rmtree(stray)
        for hidden in ('.hidden', 'manifest.jsonl', 'cleave.json~', m.file(0) + '~'):
            path = os.path.join(m.output, hidden)
            with open(path, 'wb'):
                pass
            has_stray(path)
            os.remove(path)
        verify(m.output)


def swapped_files() -> None:
    """Two outputs under one another's names."""
    m = Made(FORMS['us'])
    os.rename(m.file(0), suite.path('kept'))
    os.rename(m.file(1), m.file(0))
    os.rename(suite.path('kept'), m.file(1))
    check_paths(looked_at(m.output)[0], [m.file(0), m.file(1)])


def not_files() -> None:
    """What would never end, or be waited for."""
    m = Made(FORMS['us'])
    table = os.path.join(m.output, 'manifest.csv')
    mark = os.path.join(m.output, 'cleave.json')
    for path in (m.file(0), table, mark):
        os.rename(path, suite.path('kept'))
        for make in (os.mkfifo, lambda p: os.symlink('/dev/zero', p)):
            make(path)
            try:
                done = run_verify(m.output)
            except subprocess.TimeoutExpired as late:
                raise Failed('%s is no file, and is waited for' % os.path.basename(path)) from late
            check(done.returncode in (1, 2) and os.path.basename(path).encode() in done.stderr,
                  '%s is no file: %d, %r', path, done.returncode, done.stderr)
            os.remove(path)
        os.rename(suite.path('kept'), path)
    verify(m.output)


def unreadable() -> None:
    if os.geteuid() == 0:
        raise harness.Skip('root may read everything')
    m = Made(FORMS['us'])
    for path in (m.file(0), os.path.join(m.output, 'manifest.csv'),
                 os.path.join(m.output, 'cleave.json')):
        os.chmod(path, 0)
        done = run_verify(m.output)
        os.chmod(path, 0o644)
        check(done.returncode in (1, 2) and os.path.basename(path).encode() in done.stderr,
              '%s: %d, %r', path, done.returncode, done.stderr)


def forged_frame(high: Tuple[int, int]) -> bytes:
    """A frame whose XXH3 depends on the sum of two words alone. The low half of the first words of
    stripes 1 and 2 is that of XXH3's own secret there: both products of the lane are 0, and only
    the sum of the words counts (XXH3_accumulate_512)."""
    secret = bytes.fromhex('7c01812cf721ad1c ded46de9839097db')  # of stripes 1 and 2
    frame_ = bytearray(pf.frame('10.0.0.1', '10.0.0.2', pf.UDP,
                                pf.udp('10.0.0.1', '10.0.0.2', 1, 2, bytes(800))))
    for stripe in (1, 2):
        struct.pack_into('<4sI', frame_, 64 * stripe, secret[8 * stripe - 8:][:4],
                         high[stripe - 1])
    return bytes(frame_)


def forged() -> None:
    """Packets altered so that XXH3 without a key stays as it was are found; if the capture is
    altered alike, by the digest in cleave.json."""
    true, false = (as_savefile(pf.Format(), [forged_frame((1000 + i, 2000 - i)) for _ in range(5)])
                   for i in (0, 1))
    check_equal(sum(a != b for a, b in zip(true, false)), 10, 'bytes that are altered')
    path, output = suite.write('a.pcap', true), suite.path('out')
    split([path], output, '--verify', '--name', '{n}')
    verify(output, path)
    with open(os.path.join(output, '1'), 'wb') as f:
        f.write(false)
    check_paths(looked_at(output, path)[0], [os.path.join(output, '1')])
    suite.write('a.pcap', false)
    check_paths(looked_at(output, path)[0], [path])


# ---- cases: the table and the record of the run ----

def rows_of(kind: str, data: bytes) -> Tuple[bytes, List[bytes]]:
    """The head, and rows with their line ends. Nothing here is quoted."""
    lines = data.splitlines(keepends=True)
    return (b''.join(lines[:1]), lines[1:]) if kind == 'csv' else (b'', lines)


def manifest() -> None:
    for kind in ('csv', 'jsonl'):
        for more in ((), ('--by', 'vlan,mac,flow', '--every', '4p')):
            path = suite.write('capture', as_savefile(pf.Format(), interleaved()))
            output = suite.path('out')
            shutil.rmtree(output, ignore_errors=True)
            split([path], output, '--name', '{n}', '--manifest', kind, *more)
            table = os.path.join(output, 'manifest.' + kind)
            with open(table, 'rb') as f:
                whole = f.read()
            head, rows = rows_of(kind, whole)

            def tell(data: bytes, at: Optional[int] = None) -> Fault:
                with open(table, 'wb') as f:
                    f.write(data)
                faults, _ = looked_at(output)
                check_paths(faults, [table])
                check_equal(len(faults), 1, 'faults: %s' % faults)
                if at is not None:
                    check_equal(faults[0].byte, at, 'the byte of %r' % data[at:at + 20])
                return faults[0]

            # Each byte of each column, in turn, is another.
            for number in suite.random('manifest').sample((0, len(rows) // 2, len(rows) - 1),
                                                          harness.times(3)):
                start = len(head) + sum(len(r) for r in rows[:number])
                row = rows[number]
                marks = [m.start() for m in re.finditer(b'[,:{]' if kind == 'jsonl' else b',', row)]
                for a in [0] + [m + 1 for m in marks]:
                    new = row[:a] + (b'Z' if row[a:a + 1] != b'Z' else b'Y') + row[a + 1:]
                    fault = tell(whole[:start] + new + whole[start + len(row):], start + a)
                    column = head.strip().split(b',')[row[:a].count(b',')].decode() if head else ''
                    check(('row %d has %s' % (number + 1, column)) in fault.what, 'the row: %s', fault)
                    tell(whole[:start + a] + b'1' + whole[start + a:],
                         start + a if row[a:a + 1] != b'1' else None)
                tell(whole[:start] + whole[start + len(row):])
                tell(whole[:start] + row + row + whole[start + len(row):])
                tell(whole[:start] + whole[start:].replace(b'\n', b'\n\n', 1))
            tell(head + rows[1] + rows[0] + b''.join(rows[2:]))
            tell(head + b''.join(rows[:-1]))
            tell(whole[:-1])
            tell(whole + b'\n', len(whole))
            tell(whole + rows[-1], len(whole))
            tell(b'')
            tell(whole[1:])
            if head:
                tell(whole.replace(b'flow,', b'folw,', 1))
            os.remove(table)
            check_paths(looked_at(output)[0], [table])
            suite.write('copy', whole)
            os.symlink(suite.path('copy'), table)
            check_paths(looked_at(output)[0], [table])


def no_rows() -> None:
    """A table without rows can be missing, or too long, as well."""
    path = suite.write('none.pcap', pf.Format().header())
    for kind in ('csv', 'jsonl'):
        output = suite.path('out')
        split([path], output, '--manifest', kind, '--force')
        table = os.path.join(output, 'manifest.' + kind)
        with open(table, 'ab') as f:
            f.write(b'{}\n')
        check_paths(looked_at(output)[0], [table])
        os.remove(table)
        check_paths(looked_at(output)[0], [table])


def told(output: str) -> dict:
    with open(os.path.join(output, 'cleave.json'), encoding='utf-8') as f:
        return json.load(f)


def tell_otherwise(output: str, what: object) -> None:
    with open(os.path.join(output, 'cleave.json'), 'w', encoding='utf-8') as f:
        json.dump(what, f)


COUNTS = ('records_read', 'records_written', 'copies', 'flows', 'outputs', 'dropped.other',
          'dropped.filtered', 'dropped.small', 'dropped.capped',
          'dropped_blocks.interface_statistics', 'dropped_blocks.custom', 'dropped_blocks.unknown',
          'dropped_blocks.metadata')


def recounted(output: str, names_: Sequence[str]) -> None:
    """Each count alone is one more than it was."""
    true = told(output)
    for name in names_:
        false = json.loads(json.dumps(true))
        group, *last = name.split('.')
        if group == 'inputs':
            false['inputs'][0][last[0]] += 1
        elif last:
            false[group][last[0]] += 1
        else:
            false[group] += 1
        tell_otherwise(output, false)
        faults, _ = looked_at(output)
        check_paths(faults, ['cleave.json'])
        check(name.split('.')[-1] in faults[0].what, '%s: %s', name, faults)
    tell_otherwise(output, true)
    verify(output)


def counts() -> None:
    for name in ('us', 'ng', 'keyed'):
        recounted(Made(FORMS[name]).output, COUNTS)


def options() -> None:
    """Options that were others make other outputs."""
    m = Made(FORMS['us'])
    true = told(m.output)
    for name, value in (('by', 'ip,vlan'), ('directed', True), ('name', 'x{n}'), ('port', '5001'),
                        ('every', 'records'), ('format', 'pcapng'), ('each', True),
                        ('snaplen', 40), ('max_packets_per_flow', 2), ('other', False),
                        ('manifest', 'none'), ('manifest', 'jsonl'), ('top', 1)):
        false = json.loads(json.dumps(true))
        false['options'][name] = value
        if name == 'every':
            false['options']['every_n'] = 2
        tell_otherwise(m.output, false)
        if name == 'directed':
            verify(m.output)  # all go one way
        else:
            looked_at(m.output, status=2 if name == 'each' else 1)


# ---- cases: inputs ----

def inputs() -> None:
    """Others than were split: altered, in another order, too many, not at all."""
    rng = suite.random('inputs')
    for name in ('us', 'ns-big', 'ng', 'us-zstd', 'ng-to-pcap'):
        m = Made(FORMS[name])
        with open(m.path, 'rb') as f:
            source = Plain(f.read())
        for i in (0, 17, EACH * FLOWS - 1):
            flow, number = i % FLOWS, i // FLOWS
            deed = bit(source, i)
            suite.write('other', deed.data)
            faults, _ = looked_at(m.output, suite.path('other'))
            check_told(faults, m.file(flow), Deed(b'', number, number, 'altered'), m.read(flow),
                       suite.path('other'), m.offsets[flow])
            check_paths(faults, [m.file(flow)])
        suite.write('other', source.data[:-1])
        looked_at(m.output, suite.path('other'))
        suite.write('other', dropped(source, 5).data)
        looked_at(m.output, suite.path('other'))
        suite.write('other', savefile(rng, pf.Format()))
        looked_at(m.output, suite.path('other'))
        for bad in (b'', b'no capture at all' * 20):
            suite.write('other', bad)
            faults, _ = looked_at(m.output, suite.path('other'), status=2)
            check_equal(faults[0].path, suite.path('other'), 'what cannot be read')
        faults, _ = looked_at(m.output, suite.path('none'), status=2)
        check_equal(faults[0].path, suite.path('none'), 'what cannot be read')
        for number in (2, 3):
            faults, done = looked_at(m.output, *[m.path] * number, status=2)
            check(b'order' in done.stderr, 'how many captures: %r', done.stderr)
    first, second = (suite.write('%d.pcap' % i, as_savefile(pf.Format(), interleaved(first=i)))
                     for i in (10, 20))
    check_equal(os.path.getsize(first), os.path.getsize(second), 'sizes')
    for ways in ((), ('--merge',), ('--each',)):
        output = suite.path('out')
        split([first, second], output, '--force', *ways)
        verify(output)
        looked_at(output, second, first)
        looked_at(output, first, status=2)
        looked_at(output, first, second, second, status=2)


def origins() -> None:
    """The record of the input: in the second of several, in a compressed one, among merged ones."""
    times = [(3, 0), (0, 3), (0, 0)]
    for first, second in times:
        data = [pf.Capture(pf.Format(), pf.at_times(interleaved(first=10 * i),
                                                    NOON_NS + at * 10**9, 10**6 * (i + 1))).encode()
                for i, at in ((0, first), (1, second))]
        for packed in (False, True):
            paths = [suite.write('%d.pcap' % i, gzip.compress(d) if packed else d)
                     for i, d in enumerate(data)]
            for ways in ((), ('--each',)):
                output = suite.path('out')
                said = split(paths, output, '--force', '--name', '{n}', *ways)
                check(said, 'refused')
                file = os.path.join(output, '1', '2') if ways == ('--each',) else \
                    os.path.join(output, '2')
                with open(file, 'rb') as f:
                    plain = Plain(f.read())
                i = plain.n - 2
                payload = plain.raw(i)[16:]
                # Of which input, at which byte: packets are told apart by what is in them.
                which = [k for k, d in enumerate(data) if payload in d]
                check_equal(len(which), 1, 'inputs that have the packet')
                offset = data[which[0]].index(payload) - 16
                with open(file, 'wb') as f:
                    f.write(bit(plain, i).data)
                faults, _ = looked_at(output)
                check_equal([(f.path, f.byte, f.record, f.input_byte, f.input_path)
                             for f in faults],
                            [(file, plain.spans[i][0], i + 1, offset, paths[which[0]])],
                            'packed %s, %s' % (packed, ways))


def from_a_pipe() -> None:
    """An input that is gone when its second reading would say more: the file is named."""
    m = Made(FORMS['us'])
    with open(m.path, 'rb') as f:
        data = f.read()
    m.write(1, bit(m.read(1), 3).data)
    faults, _ = looked_at(m.output, '-', input=data)
    check_equal([f.path for f in faults], [m.file(1)], 'files')


def unpacked_meanwhile() -> None:
    """A capture that was compressed then, and is not now, or the other way round, is the same."""
    data = samples.mixed().encode()
    plain, packed = suite.write('a.pcap', data), suite.write('b.pcap.gz', gzip.compress(data))
    for then, now in ((plain, packed), (packed, plain)):
        split([then], suite.path('out'), '--force')
        verify(suite.path('out'), now)


def each() -> None:
    """With --each: in which of the directories."""
    paths = []
    for i in range(3):
        os.mkdir(suite.path(str(i)))
        paths.append(suite.write('%d/day.pcap' % i, as_savefile(pf.Format(), interleaved(first=i))))
    output = suite.path('out')
    split(paths, output, '--each', '--name', '{n}')
    verify(output)
    second = os.path.join(output, 'day-2')

    def tell(*wanted: str) -> None:
        faults, _ = looked_at(output)
        check_equal(sorted({f.path for f in faults}),
                    sorted(os.path.join(output, w) for w in wanted), 'files that are named')

    def altered(name: str, change: Callable[[bytes], bytes]) -> None:
        with open(os.path.join(output, name), 'rb') as f:
            data = f.read()
        with open(os.path.join(output, name), 'wb') as f:
            f.write(change(data))
        tell(name)
        with open(os.path.join(output, name), 'wb') as f:
            f.write(data)

    altered('day-3/2', lambda data: bit(Plain(data), 3).data)
    altered('day-2/manifest.csv', lambda data: data.replace(b'10.0.1', b'10.0.2', 1))
    altered('day-2/cleave.json', lambda data: data.replace(b'"flows": 4', b'"flows": 5'))
    altered('day-2/cleave.json', lambda data: data.replace(b'{', b'[', 1))
    altered('cleave.json', lambda data: data.replace(b'"flows": 12', b'"flows": 13'))
    for stray in ('stray', 'day-2/stray', 'day/.stray'):
        with open(os.path.join(output, stray), 'wb'):
            pass
        tell(stray)
        os.remove(os.path.join(output, stray))
    for stray in ('day-4', 'day/sub'):
        os.mkdir(os.path.join(output, stray))
        tell(stray)
        os.rmdir(os.path.join(output, stray))
    os.rename(os.path.join(second, '1'), suite.path('kept'))
    tell('day-2/1')
    os.rename(suite.path('kept'), os.path.join(second, '1'))
    os.rename(second, suite.path('kept'))
    faults, _ = looked_at(output)
    check(all(f.path.startswith(second) for f in faults), 'a directory is missing: %s', faults)
    os.rename(suite.path('kept'), second)
    verify(output)


# ---- cases: split --verify ----

def staging(output: str) -> str:
    """The hidden directory of the run that is under way."""
    until = time.monotonic() + harness.HANGS_S
    start = '.%s.cleave-' % os.path.basename(output)
    while time.monotonic() < until:
        for name in os.listdir(os.path.dirname(output)):
            if name.startswith(start):
                return os.path.join(os.path.dirname(output), name)
        time.sleep(0.002)
    raise Failed('no directory is being made')


def sabotage() -> None:
    """Outputs that change before they get their name: nothing is published. The capture comes
    through a pipe that stays open until the deed is done, so that there is time for it."""
    n = 3000
    frames_ = [of_flow(flow, i) + bytes(400) for i in range(n) for flow in (1, 2)]
    data = as_savefile(pf.Format(), frames_)
    fifo, output = suite.path('fifo'), suite.path('out')
    os.mkfifo(fifo)

    def at_first(path: str, least: int) -> None:
        until = time.monotonic() + harness.HANGS_S
        while not os.path.exists(path) or os.path.getsize(path) < least:
            check(time.monotonic() < until, '%s does not grow', path)
            time.sleep(0.002)

    def flip(place: str) -> None:
        with open(os.path.join(place, '1'), 'r+b') as f:
            f.seek(500)
            byte = f.read(1)
            f.seek(500)
            f.write(bytes([byte[0] ^ 1]))

    def stray(place: str) -> None:
        with open(os.path.join(place, 'stray'), 'wb'):
            pass

    def linked(place: str) -> None:
        os.rename(os.path.join(place, '2'), suite.path('kept'))
        os.symlink(suite.path('kept'), os.path.join(place, '2'))

    def harmless(place: str) -> None:
        del place

    for deed, word in ((harmless, b''), (flip, b'/1'), (stray, b'/stray'), (linked, b'/2')):
        for threads in ('1', '3'):
            args = ['split', fifo, '-o', output, '--name', '{n}', '--window', '64KiB', '--verify',
                    '-q', '--threads', threads, '--memory', '1MiB']
            with subprocess.Popen([suite.cleave, *args], stderr=subprocess.PIPE) as child:
                with open(fifo, 'wb') as f:
                    f.write(data[:len(data) - 100])
                    f.flush()
                    try:
                        place = staging(output)
                        for name in ('1', '2'):
                            at_first(os.path.join(place, name), 1000)
                        deed(place)
                    except BaseException:
                        child.kill()
                        raise
                    f.write(data[len(data) - 100:])
                _, talk = child.communicate(timeout=harness.HANGS_S)
            try:
                if deed is harmless:
                    check_equal(child.returncode, 0, 'status: %r' % talk)
                    verify(output, suite.write('same', data))
                    shutil.rmtree(output)
                    continue
                check_equal(child.returncode, 2, '%s: status: %r' % (deed.__name__, talk))
                check(word in talk and b'no output was made' in talk, 'what is said: %r', talk)
                check(not os.path.exists(output), 'it was published')
                check_equal([name for name in os.listdir(suite.dir) if name.startswith('.')], [],
                            'left behind')
            finally:
                if os.path.exists(suite.path('kept')):
                    os.remove(suite.path('kept'))


# ---- cases: what others wrote into cleave.json ----

def garbled() -> None:
    """No record of a run: it cannot be examined, and that is said."""
    m = Made(FORMS['us'])
    true = told(m.output)
    text = json.dumps(true)

    def refused(data: bytes, *statuses: int) -> None:
        with open(os.path.join(m.output, 'cleave.json'), 'wb') as f:
            f.write(data)
        done = run_verify(m.output)
        check(done.returncode in (statuses or (2,)), 'status %d with %r: %r', done.returncode,
              data[:1500], done.stderr)
        check(done.stderr.startswith(b'cleave: '), 'no message: %r', data[:200])

    for data in (b'', b'{', b'[]', b'{}', b'null', b'\xff\xfe', b'[' * 100000, b'{"a":' * 100000,
                 text.encode()[:-1], text.encode() + b'x',
                 text.encode().replace(b'"by"', b'"by\0"'),
                 b'\xef\xbb\xbf' + text.encode(), text.encode('utf-16'), b'0' * 1000000,
                 text.replace('{', '{"options": {}, ', 1).encode()):
        refused(data)
    deep: object = 1
    for _ in range(900):
        deep = [deep]
    others = (None, 1, -1, 1.5, 1e300, True, 'x', '', [], {}, deep, 2**63 - 1)
    for name, value in true.items():
        statuses = (2,) if name in ('inputs', 'options') else (1,)
        less = {k: v for k, v in true.items() if k != name}
        refused(json.dumps(less).encode(), *statuses)
        for other in (None, 'x', [], deep, True, 1.5):
            if type(other) is not type(value):
                refused(json.dumps({**true, name: other}).encode(), *statuses)
    for name, value in true['options'].items():
        for other in others:
            if type(other) is not type(value):
                refused(json.dumps({**true, 'options': {**true['options'], name: other}}).encode())
    for more in ({'unknown': 1}, {'snaplen': -1}, {'snaplen': 2**32}, {'snaplen': 1.0},
                 {'by': 'nonsense'}, {'by': 'x' * 100000}, {'by': ''}, {'top': -5},
                 {'community_seed': 65536}, {'filter': '('}, {'host': '1.2'},
                 {'port': '70000'}, {'vlan': 'x'}, {'every': 'minutes'}, {'format': 'x'},
                 {'name': '../{n}'}, {'name': '/{n}'}, {'name': 'a/../../{n}'}, {'name': ''},
                 {'name': '{nothing}'}, {'name': 'x' * 100000}, {'name': '..'},
                 {'compress': 'rar'}, {'idle_timeout_ns': -1}, {'merge': True, 'each': 1},
                 {'every': 'records', 'every_n': 0}, {'every': 'nanoseconds', 'every_n': -1}):
        refused(json.dumps({**true, 'options': {**true['options'], **more}}).encode())
    for captures_ in ([], [{}], [1], [{'file': 1, 'bytes': 1}], [{'file': 'x'}],
                      [{'file': m.path, 'bytes': 'x'}], [{'file': '', 'bytes': 1}],
                      true['inputs'] * 3 + [[]], [{'file': suite.path('none'), 'bytes': 1}],
                      [{'file': suite.dir, 'bytes': 1}], [{'file': m.path + '\0', 'bytes': 1}]):
        refused(json.dumps({**true, 'inputs': captures_}).encode())
    os.remove(os.path.join(m.output, 'cleave.json'))
    for output in (m.output, suite.path('none'), m.path, suite.dir, ''):
        done = run_verify(output, status=2)
        check(done.stderr.startswith(b'cleave: '), 'no message: %r', done.stderr)


def mutated() -> None:
    """Whatever it says: an answer, and a message where it is not proven."""
    rng = suite.random('mutated')
    m = Made(FORMS['us'])
    big = (0, 1, 2, 255, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**63 - 1, -1, -2**63)
    with open(os.path.join(m.output, 'cleave.json'), 'rb') as f:
        text = f.read()
    full = {'shards': 3, 'idle_timeout_ns': 10**9, 'active_timeout_ns': 10**9, 'snaplen': 60,
            'max_packets_per_flow': 5, 'max_bytes_per_flow': 500, 'min_packets': 2, 'top': 3,
            'min_bytes': 10, 'community_seed': 3, 'after_ns': 0, 'before_ns': 2**62,
            'every': 'records', 'every_n': 3, 'name': '{n}', 'port': '1-65535', 'by': 'flow'}
    for _ in range(harness.times(250)):
        if rng.random() < 0.5:
            data = bytearray(text)
            for _ in range(rng.randint(1, 4)):
                at = rng.randrange(len(data))
                way = rng.randrange(4)
                if way == 0:
                    data[at] = rng.randrange(256)
                elif way == 1:
                    del data[at:at + rng.randrange(1, 30)]
                elif way == 2:
                    data[at:at] = data[at:at + rng.randrange(1, 60)]
                else:
                    data[at:at] = rng.choice([b'9' * 30, b'{', b'"', b'null', b'\\u0000', b'-1,'])
        else:
            false = json.loads(text)
            for name in rng.sample(sorted(full), rng.randint(1, 3)):
                value = full[name]
                if isinstance(value, int):
                    value = rng.choice([value, *big])
                false['options'][name] = value
            if 'every' in false['options']:
                false['options']['every_n'] = rng.choice([1, 3, *big])
                false['options']['every'] = rng.choice(['records', 'bytes', 'nanoseconds', 'none'])
            if rng.random() < 0.3:
                false['inputs'][0]['bytes'] = rng.choice(big)
            data = bytearray(json.dumps(false).encode())
        with open(os.path.join(m.output, 'cleave.json'), 'wb') as f:
            f.write(data)
        try:
            done = run_verify(m.output, m.path)
        except subprocess.TimeoutExpired as late:
            raise Failed('no end with %r' % bytes(data)) from late
        check(done.returncode in (0, 1, 2), 'status %d with %r', done.returncode, bytes(data))
        check(done.returncode == 0 or done.stderr.startswith(b'cleave: '), 'no message: %r',
              bytes(data))


def main() -> int:
    cases: Dict[str, Callable[[], None]] = {
        'keys': proves(*BY), 'directed': proves(*((*f, '--directed') for f in BY_ENDS)),
        'inner': proves(*((*f, '--inner') for f in BY)), 'cuts': proves(*CUTS),
        'shards': proves(*SHARDS), 'filters': proves(*FILTERS),
        'choices': proves(*with_no_other(CHOICES)), 'caps': proves(*CAPS),
        'lengths': proves(*LENGTHS, twice=True), 'formats': proves(*OUTPUT_FORMATS, twice=True),
        'packed': proves(*PACKED), 'books': proves(*BOOKED),
    }
    cases.update({'records-' + name: records(form) for name, form in FORMS.items()})
    cases.update({'moved-' + name: moved_records(FORMS[name])
                  for name in ('us', 'ns', 'ng', 'us-zstd', 'ns-gzip', 'cut', 'keyed')})
    for case in (to_stdout, names, not_unicode, long_options, one_of_two_numbers, knobs, several, equal_names, damaged, empty,
                 hand_made, mixes, packed_inputs, other_captures, pipes, moved, field, ends, headers,
                 many, several_in_one, stretches, forged, files, swapped_files, not_files,
                 unreadable, manifest, no_rows, counts, options, inputs, origins,
                 from_a_pipe, unpacked_meanwhile, each, sabotage, garbled, mutated):
        cases[case.__name__.replace('_', '-')] = case
    if b'without jansson' in run_verify('.').stderr:
        cases = {name: harness.skipped(harness.Skip('this build lacks jansson')) for name in cases}
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
