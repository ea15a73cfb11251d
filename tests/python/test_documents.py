# SPDX-License-Identifier: BSD-2-Clause
"""What README.md and cleave-python(7) show runs as it stands."""
import os
import re
import runpy
import sys
import types

import pytest

import cleave
import conftest

TOP = os.path.join(conftest.HERE, '..', '..')


def test_readme(tmp_path, monkeypatch, capsys):
    pytest.importorskip('pandas', reason='pandas is not there')
    with open(os.path.join(TOP, 'README.md'), encoding='utf-8') as f:
        programs = re.findall(r'^```python\n(.*?)^```$', f.read(), re.M | re.S)
    assert len(programs) == 1
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'readme.py').write_text(programs[0], encoding='utf-8')
    cleave.generate_traffic('day.pcap', flows=1000, related=True)
    there = runpy.run_path(str(tmp_path / 'readme.py'))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 3 and {line.split()[0] for line in lines} - {'None'}
    assert len(there['table']) == 1000 and there['matrix'].shape == (1000, 5, 320)


def test_data_set(tmp_path, monkeypatch):
    """Each labelled flow is in training or in test, and nothing is on both sides."""
    numpy = pytest.importorskip('numpy', reason='NumPy is not there')
    pytest.importorskip('pandas', reason='pandas is not there')
    monkeypatch.chdir(tmp_path)
    cleave.generate_traffic('day.pcap', flows=300, packets=6000, ipv6=20, udp=30, other=2,
                            alive=20, skew=20)
    with cleave.open('day.pcap') as result:
        flows = list(result.find(proto='tcp,udp', where='packets >= 3'))
        labelled = [f for i, f in enumerate(flows) if i % 4]
        with open('labels.csv', 'w', encoding='ascii') as f:
            f.write('src,dst,sport,dport,proto,label\n')
            f.write('192.0.2.1,192.0.2.2,,,icmp,z\n')
            for i, flow in enumerate(labelled):  # from either end
                ends = [flow.src, flow.dst, flow.sport, flow.dport]
                ends = ends if i % 2 else [ends[1], ends[0], ends[3], ends[2]]
                f.write('%s,%s,%d,%d,%s,%s\n' % (*ends, flow.proto, 'xyz'[flow.dport % 3]))
        wanted = sorted((flow.first_bytes(mask='ip,mac,port').tobytes(), 'xyz'[flow.dport % 3])
                        for flow in labelled)
    there = runpy.run_path(os.path.join(TOP, 'tests', 'examples', 'dataset.py'))
    table, known = there['table'], there['known']
    assert known.sum() == len(labelled)
    for name in ('flow', 'host', 'time'):
        made = numpy.load(name + '.npz')
        parts = [(made['x_' + part], made['y_' + part]) for part in ('train', 'test')]
        assert all(len(x) == len(y) > 0 and x.shape[1:] == (5, 320) for x, y in parts)
        found = [(x[i].tobytes(), str(y[i])) for x, y in parts for i in range(len(x))]
        if name == 'time':
            assert len(found) <= len(wanted) and set(found) <= set(wanted)
        else:
            assert sorted(found) == wanted
    hosts = [set(table['src'][known & side]) for side in (there['by_host'], ~there['by_host'])]
    assert hosts[0] and hosts[1] and not hosts[0] & hosts[1]
    train = table[known & ~there['straddles'] & ~there['by_time']]
    test = table[known & ~there['straddles'] & there['by_time']]
    assert train['last'].max() < test['first'].min()


def blocks():
    """The programs of cleave-python(7) that stand in it as they are: its synopsis, and its loader."""
    path = os.path.join(TOP, 'src', 'cli', 'man', 'cleave-python.7.in')
    with open(path, encoding='utf-8') as f:
        found = re.findall(r'^\.Bd -literal\n(.*?)^\.Ed$', f.read(), re.M | re.S)
    return [text.replace('\\-', '-').replace('\\e', '\\') for text in found
            if not text.startswith('.EXAMPLE')]


def test_synopsis(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cleave.generate_traffic('day.pcap', flows=50, packets=1000)
    there = {}
    exec(blocks()[0], there)  # pylint: disable=exec-used
    assert there['matrix'].shape == (50, 5, 320)
    assert isinstance(there['packet'], bytes) and there['ts'] > 1e9


class Loader:
    """What is needed of torch's: workers that are forked, and have the data set from before."""
    def __init__(self, dataset, batch_size, num_workers):
        assert batch_size > 0
        self.dataset, self.workers = dataset, num_workers

    def __iter__(self):
        for worker in range(self.workers):
            reader, writer = os.pipe()
            if os.fork() == 0:
                with os.fdopen(writer, 'wb') as f:
                    for i in range(worker, len(self.dataset), self.workers):
                        f.write(bytes(self.dataset[i]))
                os._exit(0)
            os.close(writer)
            with os.fdopen(reader, 'rb') as f:
                yield f.read()
            os.wait()


def test_loader(tmp_path, monkeypatch):
    """The same bytes come from four processes."""
    torch = types.ModuleType('torch')
    torch.utils = types.SimpleNamespace(data=types.SimpleNamespace(Dataset=object, DataLoader=Loader))
    torch.uint8 = 'B'
    torch.frombuffer = lambda buffer, dtype: memoryview(buffer).cast('B').cast(dtype)
    monkeypatch.setitem(sys.modules, 'torch', torch)
    monkeypatch.chdir(tmp_path)
    cleave.generate_traffic('day.pcap', flows=50, packets=1000)
    cleave.index('day.pcap', 'day.db')
    there = {}
    exec(blocks()[1], there)  # pylint: disable=exec-used
    with cleave.open('day.db') as result:
        for worker, data in enumerate(there['loader']):
            assert data == result[worker::4].first_bytes().tobytes()
        assert worker == 3
