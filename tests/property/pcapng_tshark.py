# SPDX-License-Identifier: BSD-2-Clause
"""Splits of pcapng captures, from the field and built, held against what tshark reads in them.

Over all outputs of a capture there must be the same frames as in the capture: time to the last
digit, lengths, packet, comments, flags, interface. capinfos and editcap must read each output
without complaint. Converted to pcap, the frames keep their times to the nanosecond.
"""
import collections
import concurrent.futures
import dataclasses
import hashlib
import os
import shutil
import subprocess
import sys
from typing import Callable, Counter, Dict, List, NamedTuple, Optional, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
import pcapngfile as ng
import pcapngreference as ngref
import pcapngsamples as made
from harness import Failed, check, check_equal

MAGIC = b'\n\r\r\n'
BUILT = harness.times(4)
# Picoseconds times 10**9 overflow what tshark 4.0 calculates in.
SHAPE = dataclasses.replace(made.EVERYTHING, resolutions=[
    r for r in made.RESOLUTIONS if r != ng.tsresol(10, 12)])

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


# ---- tshark ----

FIELDS = ['frame.time_epoch', 'frame.len', 'frame.cap_len', 'frame.md5_hash', 'frame.comment',
          'frame.encap_type', 'frame.packet_flags', 'frame.packet_id', 'frame.drop_count',
          'frame.interface_queue', 'frame.interface_name']


class Frame(NamedTuple):
    ts_ns: Optional[int]  # None: the block has no time
    length: int
    caplen: int
    digest: str
    rest: Tuple[str, ...]  # the other fields
    interface: str

    @property
    def bare(self) -> Tuple[int, int, str]:
        return self.length, self.caplen, self.digest


class Asked(NamedTuple):
    frames: List[Frame]
    sound: bool  # tshark read to the end
    talk: str


def ask_tshark(path: str) -> Asked:
    """Frames of packet blocks; tshark makes frames of custom blocks too, without an interface."""
    args = [harness.tool('tshark'), '-n', '-r', path, '-o', 'frame.generate_md5_hash:TRUE',
            '-Y', 'frame.interface_id', '-T', 'fields', '-E', 'separator=/t',
            '-E', 'occurrence=a', '-E', 'aggregator=|']
    for field in FIELDS:
        args += ['-e', field]
    done = harness.run(args)
    frames = []
    for line in done.stdout.decode().split('\n')[:-1]:
        values = line.split('\t')
        check_equal(len(values), len(FIELDS), 'fields of %r' % line)
        ts_ns = None
        if values[0]:
            sec, frac = values[0].split('.')
            ts_ns = int(sec) * 10**9 + int(frac.ljust(9, '0'))
        frames.append(Frame(ts_ns, int(values[1]), int(values[2]), values[3],
                            tuple(values[4:-1]), values[-1]))
    return Asked(frames, done.returncode == 0, done.stderr.decode())


def check_quiet(done: subprocess.CompletedProcess, what: str) -> None:
    told = [line for line in done.stderr.decode().splitlines()
            if line and not line.startswith('Running as user')]
    check(done.returncode == 0 and not told, '%s: status %d: %s', what, done.returncode, told[:5])


def check_same(found: Counter, wanted: Counter, what: str) -> None:
    if found != wanted:
        raise Failed('%s: %d missing, the first %s; %d unexpected, the first %s' % (
            what, sum((wanted - found).values()), list(wanted - found)[:2],
            sum((found - wanted).values()), list(found - wanted)[:2]))


# ---- one capture ----

def outputs_of(output: str, ending: str) -> List[str]:
    names = sorted(harness.files_of(output))
    rest = [n for n in names if not n.endswith((ending, '/'))]
    check_equal(rest, ['cleave.json', 'manifest.csv'], 'files beside the outputs')
    return [os.path.join(output, n) for n in names if n.endswith(ending)]


def edited(path: str) -> subprocess.CompletedProcess:
    return harness.run([harness.tool('editcap'), path, suite.path('edited')])


def check_readable(capture: str, paths: List[str], n_frames: int) -> None:
    """capinfos and editcap read each output; the packets that capinfos counts are all.

    editcap takes an interface id for that of the first section: where it fails on the capture, it
    is asked for outputs of one section only.
    """
    total = 0
    for i in range(0, len(paths), 500):
        some = paths[i:i + 500]
        done = harness.run([harness.tool('capinfos'), '-T', '-r', '-c', '-M', *some])
        check_quiet(done, 'capinfos')
        rows = [line.split('\t') for line in done.stdout.decode().splitlines()]
        check_equal([row[0] for row in rows], some, 'files that capinfos reads')
        total += sum(int(row[1]) for row in rows)
    check_equal(total, n_frames, 'packets that capinfos counts')
    several = edited(capture).returncode == 0
    for path in paths:
        with open(path, 'rb') as f:
            data = f.read()
        if several or data[:4] != MAGIC or list(ng.blocks(data))[-1].section == 0:
            check_quiet(edited(path), 'editcap ' + path)


def together(paths: List[str]) -> str:
    """Sections may follow one another in a file: all outputs in one are a capture too."""
    whole = b''
    for path in paths:
        with open(path, 'rb') as f:
            whole += f.read()
    return suite.write('whole.pcapng', whole)


def check_pcapng(paths: List[str], wanted: List[Frame], apart: bool) -> None:
    """apart: tshark is asked output by output, since of names of interfaces it knows one section's.
    """
    if not wanted:
        check_equal(paths, [], 'outputs of no frames')
        return
    found: List[Frame] = []
    for path in paths if apart else [together(paths)]:
        asked = ask_tshark(path)
        check(asked.sound, 'tshark refuses %s: %s', path, asked.talk)
        found += asked.frames
    if not apart:
        found = [f._replace(interface='') for f in found]
        wanted = [f._replace(interface='') for f in wanted]
    check_same(collections.Counter(found), collections.Counter(wanted), 'frames')


def check_pcap(paths: List[str], wanted: List[Frame], _: bool) -> None:
    found: 'collections.Counter[Tuple[int, Tuple[int, int, str]]]' = collections.Counter()
    for path in paths:
        saved = pf.read(path)
        check_equal(saved.damage_at, None, path + ': damage')
        for r in saved.records:
            found[r.ts_ns, (r.origlen, r.caplen, hashlib.md5(r.data).hexdigest())] += 1
    timed = collections.Counter((f.ts_ns, f.bare) for f in wanted if f.ts_ns is not None)
    check(not timed - found, '%d frames with a time are missing, the first: %s',
          sum((timed - found).values()), list(timed - found)[:1])
    rest: 'collections.Counter[Tuple[int, int, str]]' = collections.Counter()
    for (_, bare), n in (found - timed).items():
        rest[bare] += n
    check_same(rest, collections.Counter(f.bare for f in wanted if f.ts_ns is None),
               'frames without a time')


def check_capture(path: str, asked: Asked, found: List[ng.Block]) -> None:
    """found: the capture's blocks."""
    status = (0,) if asked.sound else (0, 1)
    interfaces = ng.of_kind(found, ng.Interface)
    apart = len(interfaces) > 1 and interfaces[-1].section == 0
    outputs: List[List[str]] = []
    for flags, ending, check_frames in (((), '.pcapng', check_pcapng),
                                        (('--format', 'pcap'), '.pcap', check_pcap)):
        output = suite.path('out-' + ending[1:])
        done = suite.run_cleave('split', path, '--output', output, '-q', *flags, status=None)
        check(done.returncode in status, 'cleave split %s: status %d: %s', ' '.join(flags),
              done.returncode, done.stderr.decode())
        outputs.append(outputs_of(output, ending))
        check_frames(outputs[-1], asked.frames, apart)
    for paths in outputs:
        check_readable(path, paths, len(asked.frames))


def capture_case(path: str, asked: 'concurrent.futures.Future[Asked]') -> Callable[[], None]:
    def case() -> None:
        with open(path, 'rb') as f:
            found, fault = ng.parse(f.read())
        told = asked.result()
        if told.sound:
            check_equal(fault, None, 'the reader of these tests')
            check_equal(len(ng.of_kind(found, ng.Packet)), len(told.frames),
                        'frames that tshark reads')
        check_capture(path, told, found)
    return case


def built() -> None:
    """Captures with everything in them; what tshark reads is what they were built from."""
    rng = suite.random('built')
    n = 0
    while n < BUILT:
        data = ng.encode(made.random_capture(rng, SHAPE))
        found = ngref.of_bytes(data).blocks
        if not ngref.fine_before_packets(found):
            continue  # as pcap it could have microseconds
        n += 1
        path = suite.write('built.pcapng', data)
        packets = ng.of_kind(found, ng.Packet)
        told = ask_tshark(path)
        check(told.sound, 'tshark refuses what was built: %s', told.talk)
        check_equal(len(told.frames), len(packets), 'frames that tshark reads')
        for frame, p in zip(told.frames, packets):
            where = 'the packet at byte %d: ' % p.offset
            check_equal(frame[:4], (p.ts_ns, p.origlen, p.caplen, hashlib.md5(p.data).hexdigest()),
                        where + 'what tshark reads')
            texts = [value.decode() for code, value in ng.parse_options(p.order, p.options)
                     if code == ng.COMMENT]
            check_equal(frame.rest[0], '|'.join(texts), where + 'comments that tshark reads')
        check_capture(path, told, found)
        shutil.rmtree(suite.path('out-pcapng'))
        shutil.rmtree(suite.path('out-pcap'))


def starts_with_magic(path: str) -> bool:
    with open(path, 'rb') as f:
        return f.read(len(MAGIC)) == MAGIC


def main() -> int:
    try:
        tshark = harness.tool('tshark')
        for name in ('capinfos', 'editcap'):
            harness.tool(name)
    except harness.Skip as why:
        return suite.run({'tshark': harness.skipped(why)})
    print(harness.run([tshark, '--version']).stdout.decode().split('\n', maxsplit=1)[0])
    cases: Dict[str, Callable[[], None]] = {'built': built}
    try:
        top = harness.shared_captures()
    except harness.Skip as why:
        cases['captures'] = harness.skipped(why)
        return suite.run(cases)
    paths = [os.path.join(top, name) for name in sorted(os.listdir(top))]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path in paths:
            if os.path.isfile(path) and starts_with_magic(path):
                cases[os.path.basename(path)] = capture_case(path, pool.submit(ask_tshark, path))
        return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
