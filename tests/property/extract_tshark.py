# SPDX-License-Identifier: BSD-2-Clause
"""Extracted flows held against tshark's display filters, for captures of the field.

A filter and a selection that mean the same have to give the same frames, in order. What is left
out, because both do not mean the same by it:

  tunnels         tshark's fields are those of all layers, a flow has the outermost addresses;
                  captures with tunnels are not compared
  ICMP errors     quote a packet, whose fields tshark finds too: filters and selections leave
                  ICMP out
  fragments       have the ports of their datagram's first one, and for tshark none: captures with
                  fragments are only asked for addresses
  streams         tshark begins another one where ports are used again: only streams whose ports
                  no other stream has are asked for
  other blocks    tshark counts some that hold no packet as frames; such captures are left out
  IPv6 of no length, which tshark takes for a packet without ports
"""
import collections
import concurrent.futures
import csv
import fnmatch
import os
import random
import shutil
import sys
import tempfile
from typing import Callable, Dict, List, NamedTuple, Set, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
import pcapngfile as ng
from harness import check, check_equal

LEAST = 60        # captures that are compared, each by one selection or more
BESIDE = ('related', 'cases')  # directories beside that of the captures, with others, of any kind
LEFT_OUT = ('16-v6-jumbo.pcap', '16-v6-zero.pcap')  # no length, see above
AS_NANOSECONDS = 10  # captures of the field that are compared once more as tshark writes them
SELECTIONS = 8    # of a capture
BYTES_MAX = 64 << 20

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])

FIELDS = ('ip.src', 'ip.dst', 'ipv6.src', 'ipv6.dst', 'tcp.stream', 'udp.stream', 'tcp.srcport',
          'tcp.dstport', 'udp.srcport', 'udp.dstport', 'frame.protocols', 'ip.flags.mf',
          'ip.frag_offset', 'ipv6.fraghdr.offset')


class Asked(NamedTuple):
    """The same, said twice."""
    filter: str
    flags: Tuple[str, ...]


def without_tunnels(top: str) -> List[str]:
    """Of the captures of the field."""
    with open(os.path.join(top, 'INDEX.tsv'), newline='', encoding='utf-8') as f:
        rows = list(csv.DictReader(f, delimiter='\t', quoting=csv.QUOTE_NONE))
    names = [row['file'] for row in rows if ' tunnel=' not in ' ' + (row['features'] or '')]
    return sorted(name for name in names if os.path.isfile(os.path.join(top, name)))


def beside(top: str) -> List[str]:
    """More captures; which of them have tunnels, no index says."""
    folders = [os.path.join(os.path.dirname(top), folder) for folder in BESIDE]
    return sorted(os.path.join(folder, name) for folder in folders if os.path.isdir(folder)
                  for name in os.listdir(folder)
                  if '.pcap' in name and name not in LEFT_OUT and os.path.isfile(os.path.join(folder, name)))


def has_tunnel(frame: Dict[str, str]) -> bool:
    return sum(word in ('ip', 'ipv6') for word in frame['frame.protocols'].split(':')) > 1


def ask_tshark(path: str, *more: str) -> List[str]:
    done = harness.run([harness.tool('tshark'), '-n', '-r', path, '-o', 'ip.defragment:FALSE',
                        '-o', 'ipv6.defragment:FALSE', *more])
    if b'network type' in done.stderr and b'unsupported' in done.stderr:
        raise harness.Skip('tshark does not know the link type')
    if b'appears to be damaged or corrupt' in done.stderr:
        raise harness.Skip('tshark calls it damaged')
    check_equal(done.returncode, 0, 'tshark %s, which says %s' % (more, done.stderr.decode()))
    return done.stdout.decode().split('\n')[:-1]


def frames_of(path: str) -> List[Dict[str, str]]:
    lines = ask_tshark(path, '-T', 'fields', '-E', 'separator=/t', '-E', 'occurrence=f',
                       *(word for field in FIELDS for word in ('-e', field)))
    return [dict(zip(FIELDS, line.split('\t'))) for line in lines]


def records_of(data: bytes) -> List[tuple]:
    if data[:4] == b'\x0a\x0d\x0d\x0a':
        return [(p.interface.linktype, p.ts, p.origlen, p.data)
                for p in ng.of_kind(ng.blocks(data), ng.Packet)]
    saved = pf.parse(data)
    return [(saved.format.linktype, r.ts_ns, r.origlen, r.data) for r in saved.records]


def is_fragment(frame: Dict[str, str]) -> bool:
    return frame['ip.flags.mf'] in ('1', 'True') or frame['ip.frag_offset'] not in ('', '0') or \
        frame['ipv6.fraghdr.offset'] != ''


def ends_of(frame: Dict[str, str], proto: str) -> tuple:
    """Both ends; () where they have no address or no port."""
    family = 'ip' if frame['ip.src'] else 'ipv6'
    ends = [(frame['%s.%s' % (family, end)], frame['%s.%sport' % (proto, end)])
            for end in ('src', 'dst')]
    return tuple(sorted(ends)) if all(addr and port for addr, port in ends) else ()


def streams(frames: List[Dict[str, str]], proto: str) -> Dict[str, tuple]:
    """The streams whose ends no other has, and these."""
    found: Dict[str, tuple] = {}
    having: Dict[tuple, Set[str]] = collections.defaultdict(set)
    for frame in frames:
        stream = frame[proto + '.stream']
        if stream and 'icmp' not in frame['frame.protocols']:
            ends = ends_of(frame, proto)
            found[stream] = ends
            having[ends].add(stream)
    return {stream: ends for stream, ends in found.items() if ends and len(having[ends]) == 1}


NO_ICMP = '!icmp && !icmpv6'
NO_ICMP_SQL = "proto NOT IN ('icmp', 'icmp6')"


def of_stream(proto: str, stream: str, ends: tuple) -> Asked:
    (a, p), (b, q) = ends
    one = "src = '%s' AND sport = %s AND dst = '%s' AND dport = %s"
    return Asked('%s.stream eq %s && %s' % (proto, stream, NO_ICMP), ('--where', (
        "proto = '%s' AND ((" + one + ') OR (' + one + '))') % (proto, a, p, b, q, b, q, a, p)))


def questions(frames: List[Dict[str, str]], rng: random.Random) -> List[Asked]:
    asked: List[Asked] = []
    whole = not any(is_fragment(frame) for frame in frames)
    for proto in ('tcp', 'udp'):
        known = streams(frames, proto) if whole else {}
        asked += [of_stream(proto, stream, known[stream])
                  for stream in rng.sample(sorted(known), min(3, len(known)))]
        for stream in rng.sample(sorted(known), min(2, len(known))):
            addr, port = rng.choice(known[stream])
            field = 'ipv6' if ':' in addr else 'ip'
            asked.append(Asked('%s.addr == %s && %s.port == %s && %s' % (
                field, addr, proto, port, NO_ICMP),
                ('--host', addr, '--port', port, '--proto', proto)))
    for field in ('ip', 'ipv6'):
        hosts = sorted({frame[field + '.src'] for frame in frames} - {''})
        for addr in rng.sample(hosts, min(2, len(hosts))):
            # What has addresses of both families is a tunnel, whatever the index says.
            asked.append(Asked('%s.addr == %s && %s' % (field, addr, NO_ICMP),
                               ('--host', addr, '--where', NO_ICMP_SQL)))
    return rng.sample(asked, min(harness.times(SELECTIONS), len(asked)))


def check_question(path: str, index: str, records: List[tuple], asked: Asked) -> str:
    """What differs."""
    numbers = [int(line) for line in ask_tshark(path, '-Y', asked.filter, '-T', 'fields', '-e',
                                                'frame.number')]
    done = suite.run_cleave('extract', index, *asked.flags, '-o', '-', status=None)
    if done.returncode not in ((0,) if numbers else (1,)):
        return '%s: status %d: %s' % (asked.filter, done.returncode, done.stderr.decode())
    found = records_of(done.stdout) if numbers else []
    wanted = [records[n - 1] for n in numbers]
    if found == wanted:
        return ''
    return '%s: %d frames instead of %d with cleave extract %s' % (
        asked.filter, len(found), len(wanted), ' '.join(asked.flags))


def as_nanoseconds(path: str, to: str) -> str:
    done = harness.run([harness.tool('tshark'), '-n', '-r', path, '-F', 'nsecpcap', '-w', to])
    if done.returncode:
        raise harness.Skip('tshark does not write it so')
    return to


def ask_both(path: str, rewritten: bool = False) -> Tuple[int, List[str]]:
    """How many selections were compared; what differs. rewritten: as tshark writes it."""
    if os.path.getsize(path) > BYTES_MAX:
        raise harness.Skip('too large')
    top = tempfile.mkdtemp(prefix='cleave-test-', dir=harness.working_place())
    try:
        one, index = os.path.join(top, 'one'), os.path.join(top, 'i.db')
        name = os.path.basename(path)
        if rewritten:
            path = as_nanoseconds(path, os.path.join(top, 'again'))
        # As one capture that is not compressed, of the records that cleave reads.
        done = harness.run([suite.cleave, 'split', path, '-q', '-o', one, '--by', 'none', '--name',
                            '{n}'])
        if done.returncode:
            raise harness.Skip('no sound capture')
        names = [name for name in os.listdir(one) if name.startswith('1')]
        if not names:
            raise harness.Skip('no records')
        capture = os.path.join(one, names[0])
        suite.run_cleave('index', capture, '-q', '-o', index)
        with open(capture, 'rb') as f:
            try:
                records = records_of(f.read())
            except (harness.Failed, ng.Damage) as fault:
                raise harness.Skip('no sound capture: %s' % fault) from None
        frames = frames_of(capture)
        if len(frames) != len(records):
            raise harness.Skip('tshark counts other blocks as frames')
        if any(has_tunnel(frame) and 'icmp' not in frame['frame.protocols'] for frame in frames):
            raise harness.Skip('it has tunnels')
        asked = questions(frames, suite.random(name))
        if not asked:
            raise harness.Skip('nothing that both mean the same by')
        faults = [check_question(capture, index, records, one) for one in asked]
        return len(asked), [fault for fault in faults if fault]
    finally:
        shutil.rmtree(top, ignore_errors=True)


n_compared = n_captures = 0


def capture_case(told: 'concurrent.futures.Future') -> Callable[[], None]:
    def case() -> None:
        global n_compared, n_captures
        n, faults = told.result()
        n_compared += n
        n_captures += 1
        check(not faults, '%d of %d selections differ: %s', len(faults), n, '; '.join(faults[:5]))
    return case


def enough() -> None:
    if suite.args.only != '*':
        raise harness.Skip('not all captures were compared')
    print('        %d selections of %d captures' % (n_compared, n_captures))
    check(n_captures >= LEAST, 'no more than %d captures were compared', n_captures)


def main() -> int:
    try:
        harness.tool('tshark')
        top = harness.shared_captures()
        done = suite.run_cleave('flows', '/dev/null', status=None)
        if b'this build has no' in done.stderr:
            raise harness.Skip('cleave was built without SQLite')
    except harness.Skip as why:
        return suite.run({'tshark': harness.skipped(why)})
    cases: Dict[str, Callable[[], None]] = {}
    field = without_tunnels(top)
    asked = [(name, os.path.join(top, name), False) for name in field]
    if harness.SHARE == 1:  # minutes, and nothing that other cases lack
        asked += [('as nanoseconds: ' + name, os.path.join(top, name), True)
                  for name in field[:AS_NANOSECONDS]]
        asked += [('%s/%s' % (os.path.basename(os.path.dirname(path)), os.path.basename(path)),
                   path, False) for path in beside(top)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, path, rewritten in asked:
            if fnmatch.fnmatch(name, suite.args.only):
                cases[name] = capture_case(pool.submit(ask_both, path, rewritten))
        cases['enough'] = enough
        return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
