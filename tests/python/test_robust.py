# SPDX-License-Identifier: BSD-2-Clause
"""Wrong types and values, many threads and processes, and nothing that stays behind."""
import concurrent.futures
import gc
import inspect
import ipaddress
import multiprocessing
import os
import pathlib
import pickle
import random
import re
import sys
import threading

import pytest

import cleave
import conftest
import harness
from cleave import _cleave

OPENED = 1000 if harness.FULL else 100


def refused(made):
    """(what, exception, call)"""
    capture, nowhere = made.capture, '/nonexistent/x'
    result = made.open('index')
    flow = result[0]
    return [
        ('no path', TypeError, lambda: cleave.open(3)),
        ('a path with a zero', ValueError, lambda: cleave.open('a\0b')),
        ('nothing there', cleave.Error, lambda: cleave.open(nowhere)),
        ('no capture', cleave.Error, lambda: cleave.open(__file__)),
        ('no paths', cleave.Error, lambda: cleave.open([])),
        ('an unknown option', TypeError, lambda: cleave.open(capture, byy='flow')),
        ('an option of captures', cleave.Error, lambda: cleave.open(made.paths['index'], by='ip')),
        ('a key that is none', cleave.OptionError, lambda: cleave.open(capture, by='nothing')),
        ('no number', TypeError, lambda: cleave.split(capture, shards=1.5)),
        ('a bool for a number', TypeError, lambda: cleave.split(capture, shards=True)),
        ('too large', ValueError, lambda: cleave.split(capture, shards=2**40)),
        ('negative', ValueError, lambda: cleave.split(capture, top=-1)),
        ('no bool', TypeError, lambda: cleave.split(capture, inner=1)),
        ('no word', ValueError, lambda: cleave.split(capture, format='zip')),
        ('no text', TypeError, lambda: cleave.split(capture, filter=3)),
        ('nanoseconds', ValueError, lambda: result.find(after=flow.first)),
        ('no time', TypeError, lambda: cleave.split(capture, after=[])),
        ('a comma in a list', ValueError, lambda: cleave.split(capture, host=['a,b'])),
        ('nothing to split', cleave.Error, lambda: cleave.split([])),
        ('nothing to verify', cleave.Error, lambda: cleave.verify(nowhere)),
        ('another one', cleave.Error, lambda: cleave.verify(made.paths['directory'], __file__)),
        ('a size', ValueError, lambda: cleave.split(capture, memory='much')),
        ('a directory', cleave.Error, lambda: cleave.generate_traffic('/')),
        ('per cent', ValueError, lambda: cleave.generate_traffic('/dev/null', udp=101, force=True)),
        ('no address', ValueError, lambda: cleave.generate_synflood('/dev/null', src='a')),
        ('no flow', IndexError, lambda: result[10**6]),
        ('no name', KeyError, lambda: result['x']),
        ('no index', TypeError, lambda: result[None]),
        ('no packets', ValueError, lambda: result.first_bytes(packets=0)),
        ('negative packets', ValueError, lambda: result.first_bytes(packets=-1)),
        ('half a packet', TypeError, lambda: result.first_bytes(packets=1.5)),
        ('too many packets', ValueError, lambda: result.first_bytes(packets=2**32)),
        ('more than memory', MemoryError, lambda: result.first_bytes(
            packets=2**32 - 1, header=2**32 - 1, payload=2**32 - 1)),
        ('splt of all', MemoryError, lambda: result.splt(2**32 - 1)),
        ('an unknown mask', ValueError, lambda: result.first_bytes(mask='name')),
        ('no mask', TypeError, lambda: result.first_bytes(mask=5)),
        ('no link', TypeError, lambda: result.first_bytes(link=2)),
        ('no room', ValueError, lambda: result.first_bytes(out=bytearray(3))),
        ('nothing to write to', (BufferError, TypeError, ValueError),
         lambda: result.first_bytes(out=bytes(len(result) * 1600))),
        ('no buffer', TypeError, lambda: result.first_bytes(out=3)),
        ('too many threads', ValueError, lambda: result.first_bytes(threads=10**6)),
        ('no progress', TypeError, lambda: result.first_bytes(progress=3)),
        ('an unknown selection', TypeError, lambda: result.find(nothing=3)),
        ('a port that is none', ValueError, lambda: result.find(port=70000)),
        ('more than a condition', ValueError, lambda: result.find(where='1; DROP TABLE flows')),
        ('another table', ValueError, lambda: result.find(where='1 IN (SELECT 1 FROM captures)')),
        ('no column', ValueError, lambda: result.find(sort='nothing')),
        ('no place', cleave.Error, lambda: flow.save(nowhere)),
        ('no mode', ValueError, lambda: flow.save('/tmp/x', mode=-1)),
        ('no such attribute', AttributeError, lambda: flow.nothing),
        ('no batch', ValueError, lambda: cleave.records(capture, batch=0)),
        ('half a batch', TypeError, lambda: cleave.records(capture, batch=1.5)),
        ('no records', cleave.Error, lambda: cleave.records(nowhere)),
        ('no tuple', cleave.Error, lambda: cleave.tuple_hash('host')),
        ('one port', TypeError, lambda: cleave.tuple_hash('10.0.0.1', '10.0.0.2', 80)),
        ('a large port', cleave.Error, lambda: cleave.tuple_hash('10.0.0.1', '10.0.0.2', 1, 10**5)),
    ]


def test_refused(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for what, exception, call in refused(made):
        with pytest.raises(exception):
            call()
            print(what)  # pytest shows it where nothing was raised
    assert os.listdir(tmp_path) == []


def test_the_extension_itself(made):
    """Nobody else calls it, but who does gets no crash."""
    handle = _cleave.Handle((os.fsencode(made.capture),), (), None, None)
    values = [None, 0, -1, 2**64, 1.5, '', 'a', b'', b'\0', b'/', (), (b'a',), ((b'a', b'b'),),
              ((b'host', b'x'),), [], {}, object(), memoryview(b'12345678'), True,
              memoryview(bytearray(16))[::2]]
    calls = [_cleave.Handle, _cleave.Reader, _cleave.options, _cleave.split, _cleave.verify,
             _cleave.default_output, _cleave.tuple_hash]
    calls += [getattr(handle, n) for n in dir(handle) if not n.startswith('_') and n != 'close']
    table = handle.table()
    calls += [getattr(table, n) for n in dir(table) if not n.startswith('_')]
    rng = random.Random(20)
    for _ in range(3000):
        call = rng.choice(calls)
        args = [rng.choice(values) for _ in range(rng.randrange(0, 10))]
        try:
            call(*args)
        except (TypeError, ValueError, OverflowError, IndexError, MemoryError, BufferError,
                cleave.Error):
            pass
    for pair, exception in ((b'host', TypeError), ((), IndexError), ((b'host', 'x'), TypeError)):
        with pytest.raises(exception):
            handle.totals((pair,))
    for name in ('Table', 'Array', 'Packets', 'Batch'):
        with pytest.raises(TypeError):
            getattr(_cleave, name)()


def test_closed_when_nobody_has_it(made):
    """At once, not when the collector comes."""
    gc.collect()
    gc.disable()
    try:
        before = descriptors()
        result = made.open('index')
        flow = result[0]
        packets = iter(flow)
        assert descriptors() > before
        del result, flow
        assert len(list(packets)) > 1
        del packets
        assert descriptors() == before
    finally:
        gc.enable()


def test_closed(made):
    result = made.open('index')
    packets, n = iter(result[1]), result[1].packets
    first = next(packets)
    result.close()
    result.close()
    rest = list(packets)  # what is being read is read on
    assert 1 + len(rest) == n and first != rest[0]
    for call in (lambda: list(result[0]), result.totals, result.first_bytes,
                 lambda: result.find(port=1), lambda: result.kind, lambda: result[0].times):
        with pytest.raises(ValueError, match='closed'):
            call()


def sums(flow):
    """What a worker makes of a flow that it unpickles."""
    return os.getpid(), flow.file, sum(len(data) for _, data in flow), list(flow.lengths)[:3]


def of_results(result):
    return len(result), result.first_bytes(packets=1).tobytes()


@pytest.mark.parametrize('how, form', [('spawn', 'index')] + [('fork', f) for f in conftest.FORMS])
def test_processes(made, how, form):
    """Results and flows go to four processes, which open them anew."""
    with made.open(form) as result:
        flows = list(result[:40])
        wanted = [sums(flow)[1:] for flow in flows]
        context = multiprocessing.get_context(how)
        with concurrent.futures.ProcessPoolExecutor(4, mp_context=context) as pool:
            found = list(pool.map(sums, flows, chunksize=3))
            whole = pool.submit(of_results, result).result()
        assert [f[1:] for f in found] == wanted
        assert os.getpid() not in {f[0] for f in found}
        assert whole == of_results(result)


def test_fork(made, form):
    """A result that a process inherits is opened again there."""
    with made.open(form) as result:
        wanted = of_results(result)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            ok = False
            try:
                ok = of_results(result) == wanted and result.kind == form
            finally:
                os.write(writer, b'y' if ok else b'n')
                os._exit(0)
        os.close(writer)
        assert os.read(reader, 1) == b'y'
        os.close(reader)
        os.waitpid(child, 0)
        assert of_results(result) == wanted


def test_pickle_from_elsewhere(made, tmp_path, monkeypatch):
    """A relative path is one of where the result was opened."""
    monkeypatch.chdir(made.folder)
    with cleave.open('i.db') as result:
        assert result.path == 'i.db'
        saved = pickle.dumps(result[3])
    monkeypatch.chdir(tmp_path)
    flow = pickle.loads(saved)
    assert len(list(flow)) == flow.packets


def test_pickle(made):
    with made.open('index') as result:
        again = pickle.loads(pickle.dumps(result))
        assert again is not result and len(again) == len(result)
        flow = pickle.loads(pickle.dumps(result[3]))
        assert flow.file == result[3].file and flow._result is again
        some = pickle.loads(pickle.dumps(result.find(port=443)))
        assert [f.file for f in some] == [f.file for f in result.find(port=443)]
        counts = pickle.loads(pickle.dumps(result.totals()))
        assert counts.packets == 3000
    with pytest.raises(cleave.Error) as e:
        cleave.open('/nonexistent')
    error = pickle.loads(pickle.dumps(e.value))
    assert (str(error), error.code, error.subject) == (str(e.value), 'io', '/nonexistent')


def test_threads(made, form):
    """One result, eight threads, all that can be asked."""
    with made.open(form) as result:
        wanted = [sum(len(data) for _, data in flow) for flow in result]
        matrix = result.first_bytes(packets=2).tobytes()
        faults = []

        def ask(seed):
            rng = random.Random(seed)
            try:
                for _ in range(40):
                    i = rng.randrange(len(wanted))
                    what = rng.randrange(5)
                    if what == 0:
                        assert sum(len(d) for _, d in result[i]) == wanted[i]
                    elif what == 1:
                        assert sum(result[i].captured_lengths) == wanted[i]
                    elif what == 2:
                        found = result.find(where='flow = %d' % (i + 1))
                        assert [f.row for f in found] == ([i] if i + 1 < len(wanted) else [])
                    elif what == 3:
                        assert result.first_bytes(packets=2, threads=2).tobytes() == matrix
                    else:
                        pairs = zip(result[i], result[i - 1])
                        assert len(list(pairs)) == min(result[i].packets, result[i - 1].packets)
            except BaseException as e:  # pylint: disable=broad-except
                faults.append(e)
                raise

        threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not faults


def test_one_iterator_and_two_threads(made):
    """Each packet comes once, or a thread is told that another one reads."""
    with made.open('index') as result:
        flow = max(result, key=lambda f: f.packets)
        packets, seen, lock = iter(flow), [], threading.Lock()

        def read():
            while True:
                try:
                    packet = next(packets)
                except StopIteration:
                    return
                except ValueError as e:
                    assert 'another thread' in str(e)
                    continue
                with lock:
                    seen.append(packet)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(seen) == sorted(flow)


def descriptors():
    return len(os.listdir('/proc/self/fd'))


def resident():
    with open('/proc/self/statm', encoding='ascii') as f:
        return int(f.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def once(made, form):
    """A round of all that allocates, and of what fails half way."""
    with made.open(form) as result:
        flow = result[0]
        next(iter(flow))
        list(flow)
        flow.times.tolist()
        flow.first_bytes(2)
        result.first_bytes(packets=1, header=8, payload=8)
        result.splt(2)
        list(result.find(port=443).rows())
        list(result[:2].rows())
        assert result.hashes[0]
        for call in (lambda: result.find(where='x'), lambda: result.first_bytes(packets=0),
                     lambda: result.first_bytes(progress=3), lambda: result.nothing):
            try:
                call()
            except (AttributeError, TypeError, ValueError):
                pass
    for batch in cleave.records(made.capture):
        assert batch[0]
        break


@pytest.mark.skipif(not os.path.isdir('/proc/self/fd'), reason='there is no /proc')
def test_leaks(small):
    """A thousand opens leave no descriptor, no reference and no memory."""
    def rounds(n):
        for i in range(n):
            with small.open('index') as result:
                next(iter(result[0]))
            if i % 10 == 0:
                once(small, conftest.FORMS[i // 10 % 4])
        gc.collect()

    rounds(OPENED // 5)
    before, memory = descriptors(), resident()
    of_none, of_true = sys.getrefcount(None), sys.getrefcount(True)
    rounds(OPENED)
    assert descriptors() == before
    assert abs(sys.getrefcount(None) - of_none) < OPENED / 20
    assert abs(sys.getrefcount(True) - of_true) < OPENED / 20
    for _ in range(3):
        assert sys.getrefcount(_cleave.Error) < 100
    if 'libasan' not in os.environ.get('LD_PRELOAD', ''):  # which keeps what is freed
        assert resident() - memory < 16 << 20


def test_documented():
    """All that is public says what it is, and its stubs have what there is."""
    for name in cleave.__all__:
        thing = getattr(cleave, name)
        assert inspect.getdoc(thing), name
        if inspect.isclass(thing) and thing.__module__ == 'cleave' and thing is not cleave.Error:
            for member, value in vars(thing).items():
                if not member.startswith('_') and callable(value):
                    assert inspect.getdoc(value) or member in ('packets', 'bytes'), member
    stub = pathlib.Path(cleave.__file__).with_name('_cleave.pyi').read_text(encoding='utf-8')
    assert pathlib.Path(cleave.__file__).with_name('py.typed').exists()
    for name, thing in vars(_cleave).items():
        if name.startswith('_') or name in ('Array', 'Packets'):
            continue
        assert re.search(r'^(class|def) %s\b|^%s:' % (name, name), stub, re.M), name
        if inspect.isclass(thing):
            body = re.search(r'^class %s\b(.*?)(?=^\S|\Z)' % name, stub, re.M | re.S)[1]
            for member in vars(thing):
                if not member.startswith(('_', 'n_')) and name != 'Record':
                    assert re.search(r'\b%s\b' % member, body), (name, member)
    assert [name for name in re.findall(r'^(?:class|def) (\w+)', stub, re.M)
            if not hasattr(_cleave, name)] == []


def test_lists_take_addresses(made):
    with made.open('index') as result:
        address = ipaddress.ip_address(result[0].src)
        assert len(result.find(host=address)) == len(result.find(host=[address, str(address)])) > 0
        network = ipaddress.ip_network('10.0.0.0/8')  # a sequence of 16 million
        wanted = len(result.find(host='10.0.0.0/8'))
        assert len(result.find(host=network)) == len(result.find(host=[network])) == wanted > 0
        assert result.find(host=pathlib.PurePath('x').name and str(address))[0].row == 0
