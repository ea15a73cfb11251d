# SPDX-License-Identifier: BSD-2-Clause
"""Runs do what the program does, tell how far they are, and stop when they are asked to."""
import datetime
import decimal
import fractions
import importlib
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import zipfile

import pytest

import cleave
import conftest
import harness


def test_split_is_that_of_the_program(made, tmp_path):
    options = {'by': ['ip', 'proto'], 'min_packets': 2, 'idle_timeout': datetime.timedelta(hours=1),
               'manifest': 'jsonl', 'snaplen': 100, 'format': 'pcapng', 'metadata': False}
    counts = cleave.split(made.capture, tmp_path / 'a', **options)
    conftest.cli('split', made.capture, '-o', tmp_path / 'b', '--by', 'ip,proto', '--min-packets',
                 '2', '--idle-timeout', '1h', '--manifest', 'jsonl', '--snaplen', '100',
                 '--format', 'pcapng', '--no-metadata', '-q')
    harness.check_files(harness.files_of(str(tmp_path / 'a')),
                        harness.files_of(str(tmp_path / 'b')))
    assert counts.flows == counts['flows'] > 10 and counts.records_read == 3000
    assert 'outputs' in counts and 'outputs' in dir(counts) and len(counts) > 30
    with pytest.raises(AttributeError):
        _ = counts.nothing


def test_index_and_verify(made, tmp_path):
    counts = cleave.index([made.capture], tmp_path / 'i.db', threads=1)
    assert counts.flows == 150
    verdict = cleave.verify(made.paths['directory'])
    assert verdict and verdict.proven and 'proven' in pickle.loads(pickle.dumps(verdict))
    assert cleave.verify(made.paths['archive'], made.capture, threads=1).records_read == 3000
    cleave.split(made.capture, tmp_path / 'd')
    name = next(p for p in sorted(os.listdir(tmp_path / 'd')) if p.startswith('00000001'))
    with open(tmp_path / 'd' / name, 'r+b') as f:
        f.seek(100)
        f.write(b'\xff\xfe')
    verdict = cleave.verify(tmp_path / 'd')
    assert not verdict.proven and not verdict and verdict.faults == len(verdict.found) == 1
    assert verdict.found[0].code == 'unproven' and verdict.found[0].subject.endswith(name)


@pytest.mark.parametrize('kind', ['directory', 'index'])
def test_gather(made, tmp_path, kind):
    """Shards that were split each, or indexed, are together what the capture is."""
    make, ending = (cleave.split, '') if kind == 'directory' else (cleave.index, '.db')
    gathered = tmp_path / ('all' + ending)
    cleave.split(made.capture, tmp_path / 'map.zip', by='hostpair', shards=2)
    with zipfile.ZipFile(tmp_path / 'map.zip') as archive:
        shards = [name for name in archive.namelist() if name.endswith('.pcap')]
    parts = [tmp_path / 'map.zip']
    for i, name in enumerate(shards):
        parts.append(tmp_path / ('part-%d%s' % (i, ending)))
        make('%s:%s' % (tmp_path / 'map.zip', name), parts[-1])
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(cleave.Error):
        cleave.gather(parts[:2], gathered)
    with pytest.raises(TypeError):
        cleave.gather(parts, gathered, by='flow')
    with pytest.raises(TypeError):
        cleave.gather(parts, gathered, progress=3)
    assert sorted(os.listdir(tmp_path)) == before
    counts = cleave.gather(parts, gathered, progress=lambda outputs, size: True)
    assert (counts.flows, counts.records_written) == (150, 3000)
    assert kind == 'index' or cleave.verify(gathered)
    with made.open(kind) as whole, cleave.open(gathered) as result:
        assert result.kind == kind and result.totals() == whole.totals()
        assert [f.flow for f in result] == [f.flow for f in whole]
        assert sorted(result.hashes) == sorted(whole.hashes)
        packets = {flow.hash: list(flow) for flow in whole if flow.flow}
        for flow in result.find(where='flow is not null'):
            assert list(flow) == packets[flow.hash] and [flow] == list(result.find(flow=flow.flow))
        bytes_of = {flow.hash: flow.first_bytes(2).tobytes() for flow in whole}
        matrix = result.first_bytes(packets=2)
        assert matrix.nbytes == len(result) * 640
        assert matrix.tobytes() == b''.join(bytes_of[number] for number in result.hashes)
        again = pickle.loads(pickle.dumps(result[-2]))
        assert list(again) == list(result[-2])


def test_default_outputs(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cleave.split(made.capture)
    cleave.index(made.capture)
    assert sorted(os.listdir(tmp_path)) == ['m.flows', 'm.flows.db']
    assert cleave.split(made.capture, dry_run=True).flows == 150
    cleave.split(made.capture, force=True)
    cleave.split(made.capture, force='all')


def test_times(made, tmp_path):
    """However it is said, it is the same time."""
    with made.open('index') as result:
        first = result[0].first
    moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(
        microseconds=first // 1000 + 500)
    found = [cleave.split(made.capture, dry_run=True, before=when).dropped['filtered'] for when in (
        moment, moment.timestamp(), moment.isoformat(), '%d.%09d' % (
            divmod(first // 1000 * 1000 + 500000, 10**9)))]
    assert found[0] == found[2] == found[3] > 1000 and abs(found[1] - found[0]) < 5
    with cleave.open(made.capture) as result:
        ends = sorted(flow.last for flow in result)
        for ns in (ends[100], ends[100] + 1):  # to the nanosecond
            wanted = sum(end >= ns for end in ends)
            assert 0 < wanted < len(result)
            seconds = fractions.Fraction(ns, 10**9)
            for when in (seconds, decimal.Decimal(ns) / 10**9, '%d.%09d' % divmod(ns, 10**9)):
                assert len(result.find(after=when)) == wanted
            for module, make in (('numpy', lambda m, ns=ns: m.datetime64(ns, 'ns')),
                                 ('pandas', lambda m, ns=ns: m.Timestamp(ns, tz='UTC'))):
                try:
                    when = make(importlib.import_module(module))
                except ImportError:
                    continue
                assert len(result.find(after=when)) == wanted
    for what, exception in ((float('inf'), ValueError), (float('nan'), ValueError), (True, TypeError),
                            ([1], TypeError), (b'1', TypeError)):
        with pytest.raises(exception):
            cleave.split(made.capture, dry_run=True, idle_timeout=what)
    with pytest.raises(ValueError, match='time zone'):
        cleave.split(made.capture, tmp_path / 'x', after=datetime.datetime(2026, 1, 1))


def test_generate(tmp_path):
    counts = cleave.generate_traffic(tmp_path / 'a.pcap', flows=9, packets=200, seed=3, udp=50,
                                     byte_order='big', truth=tmp_path / 'a.csv')
    conftest.cli('generate', 'traffic', '-q', '-o', tmp_path / 'b.pcap', '--flows', 9, '--packets',
                 200, '--seed', 3, '--udp', 50, '--byte-order', 'big')
    assert (tmp_path / 'a.pcap').read_bytes() == (tmp_path / 'b.pcap').read_bytes()
    assert counts.packets == 200 and counts.bytes == os.path.getsize(tmp_path / 'a.pcap')
    assert (tmp_path / 'a.csv').read_text().count('\n') == 10
    counts = cleave.generate_synflood(tmp_path / 's.pcap', count=7, src='10.0.0.9', interval=0.5)
    records = [r for batch in cleave.records(tmp_path / 's.pcap') for r in batch]
    assert [r.src for r in records] == ['10.0.0.%d' % (9 + i) for i in range(7)]
    assert records[2].time - records[0].time == 1.0
    with pytest.raises(cleave.Error) as e:
        cleave.generate_traffic(tmp_path / 'a.pcap')
    assert e.value.code == 'exists'
    cleave.generate_traffic(tmp_path / 'a.pcap', force=True)


@pytest.fixture(scope='module')
def long(tmp_path_factory):
    """A capture that takes long enough for somebody to be asked."""
    path = tmp_path_factory.mktemp('long') / 'l.pcap'
    cleave.generate_traffic(path, flows=2000, packets=200000, sizes='small')
    return path


def runs(capture, folder):
    """Each run that can be stopped, with what it would leave."""
    def bulk(**more):
        with cleave.open(capture) as result:
            result.first_bytes(packets=3, threads=1, **more)

    index, out = folder / 'i.db', folder / 'out'
    return {
        'split': lambda **more: cleave.split(capture, out, **more),
        'index': lambda **more: cleave.index(capture, index, **more),
        'open': lambda **more: cleave.open(capture, **more),
    }, bulk


def test_progress(long, tmp_path):
    """It is told, may stop a run, and what it raises comes out."""
    all_of_them, bulk = runs(long, tmp_path)
    for name, run in all_of_them.items():
        told = []
        run(progress=told.append)
        assert told and all(isinstance(t, cleave.Counts) for t in told), name
        for path in ('i.db', 'out'):
            subprocess.run(['rm', '-rf', str(tmp_path / path)], check=True)
        with pytest.raises(cleave.Error) as e:
            run(progress=lambda so_far: False)
        assert e.value.code == 'cancelled'
        with pytest.raises(ZeroDivisionError):
            run(progress=lambda so_far: 1 // 0)
        assert os.listdir(tmp_path) == []
    with pytest.raises(ZeroDivisionError):
        bulk(progress=lambda done: 1 // 0)
    with pytest.raises(cleave.Error, match='stopped'):
        bulk(progress=lambda done: False)
    with pytest.raises(TypeError):
        cleave.split(long, tmp_path / 'x', progress=3)


def test_progress_and_the_result(long):
    """Who is told may not use what is in use, and is not left waiting."""
    with cleave.open(long) as result:
        with pytest.raises(RuntimeError, match='in use'):
            result.first_bytes(packets=2, threads=1, progress=lambda done: result.totals())
        assert result.totals().packets == 200000


INTERRUPTED = '''
import os, signal, sys, cleave
capture, folder, what = sys.argv[1:]
def now(*_):
    os.kill(os.getpid(), signal.SIGINT)
try:
    if what == 'split':
        cleave.split(capture, folder + '/out', progress=now)
    elif what == 'index':
        cleave.index(capture, folder + '/i.db', progress=now)
    elif what == 'open':
        cleave.open(capture, progress=now)
    elif what == 'generate':
        signal.signal(signal.SIGALRM, now)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        cleave.generate_traffic('/dev/null', packets=10**9, force=True)
    elif what == 'synflood':
        signal.signal(signal.SIGALRM, now)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        cleave.generate_synflood('/dev/null', count=4 * 10**9, force=True)
    elif what in ('find', 'totals', 'save'):
        endless = '(SELECT count(*) FROM flows a, flows b, flows c) > 0'
        result = cleave.open(capture)
        signal.signal(signal.SIGALRM, now)
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        if what == 'find':
            result.find(where=endless)
        elif what == 'totals':
            result.totals(where=endless)
        else:
            result._handle().extract(((b'where', endless.encode()),), None,
                                     (folder + '/x.pcap').encode(), -1, False, 0, None)
    elif what == 'pipe':
        os.mkfifo(folder + '/fifo')
        if os.fork() == 0:
            with open(capture, 'rb') as a, open(folder + '/fifo', 'wb') as b:
                b.write(a.read(100000))
                b.flush()
                signal.pause()
        signal.signal(signal.SIGALRM, now)
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        for _ in cleave.records(folder + '/fifo', batch=10**6):
            pass
except KeyboardInterrupt:
    print('interrupted', sorted(os.listdir(folder)))
'''


@pytest.mark.parametrize('what', ['split', 'index', 'open', 'generate', 'synflood', 'find', 'totals',
                                  'save', 'pipe'])
def test_interrupt(long, tmp_path, what):
    """Ctrl-C is a KeyboardInterrupt, and leaves nothing."""
    folder = tmp_path / 'out'
    folder.mkdir()
    with subprocess.Popen([sys.executable, '-c', textwrap.dedent(INTERRUPTED), str(long),
                           str(folder), what], stdout=subprocess.PIPE, start_new_session=True) as p:
        line = p.stdout.readline()
        if what == 'pipe':  # who writes to it still waits
            os.killpg(p.pid, signal.SIGKILL)
    left = ['fifo'] if what == 'pipe' else []
    assert line.decode() == 'interrupted %s\n' % left


def test_others_run_meanwhile(long):
    """The interpreter's lock is free while the library works."""
    counted = [0]
    over = threading.Event()

    def count():
        while not over.is_set():
            counted[0] += 1

    thread = threading.Thread(target=count)
    thread.start()
    try:
        before = counted[0]
        while counted[0] == before:
            pass
        sys.setswitchinterval(0.5)  # it runs only where others let it
        before = counted[0]
        cleave.split(long, dry_run=True)
        assert counted[0] - before > 1000
    finally:
        sys.setswitchinterval(0.005)
        over.set()
        thread.join()
