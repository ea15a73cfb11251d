# SPDX-License-Identifier: BSD-2-Clause
"""What README.md and cleave-python(7) show runs as it stands."""
import os
import re
import runpy

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
    there = runpy.run_path(str(tmp_path / 'readme.py'))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    sizes = [int(line.split()[-1]) for line in lines]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] > 0
    assert len(there['table']) == 1000 and there['matrix'].shape == (1000, 5, 320)
    assert there['sizes'].shape == (1000, 20)


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
