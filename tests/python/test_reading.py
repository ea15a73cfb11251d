# SPDX-License-Identifier: BSD-2-Clause
"""Results are read as other programs read what "cleave split" makes of the same captures."""
import csv
import gc
import glob
import io
import os
import pathlib
import pickle
import random
import struct

import pytest

import cleave
import conftest
import harness
import pcapngfile as ng

SOME = 8  # captures of the field, where not all of them are wanted


def as_dpkt(path):
    """(nanoseconds or about, bytes) of each packet."""
    dpkt = pytest.importorskip('dpkt', reason='dpkt is not there')
    with open(path, 'rb') as f:
        magic = f.read(4)
        f.seek(0)
        reader = dpkt.pcapng.Reader(f) if magic == b'\n\r\r\n' else dpkt.pcap.Reader(f)
        return [(round(float(ts) * 10**6) * 1000, bytes(data)) for ts, data in reader]


def about(packets):
    """As exactly as dpkt has times."""
    return [(None if ts is None else round(ts / 1000) * 1000, data) for ts, data in packets]


def near(found, wanted):
    """Floats of seconds have about 200 ns between them."""
    assert [data for _, data in found] == [data for _, data in wanted]
    assert all(a is None or b is None or abs(a - b) <= 1000 for (a, _), (b, _) in zip(found, wanted))


def manifest_of(directory):
    with open(os.path.join(directory, 'manifest.csv'), newline='', encoding='utf-8') as f:
        return list(csv.DictReader(f))


def test_packets(made, form):
    with made.open(form) as result:
        assert result.kind == form
        rows = manifest_of(made.paths['directory'])
        assert [flow.file for flow in result] == [row['file'] for row in rows]
        for flow in result:
            wanted = as_dpkt(os.path.join(made.paths['directory'], flow.file))
            near(about(flow.records(ns=True)), wanted)
            near(about((round(ts * 10**9), data) for ts, data in flow), wanted)
            assert len(wanted) == flow.packets


def field_captures():
    top = harness.shared_captures()
    found = sorted(p for p in glob.glob(os.path.join(top, '*')) if p.endswith(('pcap', 'pcapng')))
    if not harness.FULL:
        random.Random(20).shuffle(found)
        return found[:SOME]
    return found


def test_captures_of_the_field(tmp_path):
    """Each form of result gives what dpkt reads from the split files."""
    pytest.importorskip('dpkt', reason='dpkt is not there')
    try:
        captures = field_captures()
    except harness.Skip as why:
        pytest.skip(str(why))
    done = files = by_dpkt = 0
    for i, path in enumerate(captures):
        folder = tmp_path / str(i)
        folder.mkdir()
        try:
            made = conftest.Made(folder, path)
        except cleave.Error:  # it is no capture that can be read at all, and the cases say so
            continue
        wanted = {}
        for row in manifest_of(made.paths['directory']):
            file = os.path.join(made.paths['directory'], row['file'])
            packets = int(row['src_packets']) + int(row['dst_packets'])
            try:
                wanted[row['file']] = as_dpkt(file)
                by_dpkt += 1
            except (ValueError, KeyError, struct.error):
                wanted[row['file']] = []
            if len(wanted[row['file']]) != packets:  # dpkt does not read all of pcapng
                with open(file, 'rb') as f:
                    blocks = ng.of_kind(ng.parse(f.read())[0], ng.Packet)
                wanted[row['file']] = [(None, block.data) for block in blocks]
                by_dpkt -= 1
        for form in conftest.FORMS:
            with made.open(form) as result:
                assert [flow.file for flow in result] == list(wanted), path
                for flow in result:
                    got = about(flow.records(ns=True))
                    assert len(got) == flow.packets
                    near(got, wanted[flow.file])
        done += 1
        files += len(wanted)
    print("%d captures, %d files, %d of them read by dpkt" % (done, files, by_dpkt))
    assert done >= len(captures) * 3 // 4 and by_dpkt >= files * 3 // 4


def test_columns(made, form):
    """Attributes, rows() and manifest.csv have the same."""
    with made.open(form) as result:
        rows = manifest_of(made.paths['directory'])
        assert list(result.columns) == list(rows[0])
        for flow, found, row in zip(result, result.rows(), rows):
            assert list(found) == list(row) and found == flow.as_dict()
            for name, text in row.items():
                value = getattr(flow, name)
                assert value == found[name]
                if text == '':
                    assert value is None
                elif name in ('first', 'last'):
                    assert '%09d' % (value % 10**9) == text[-10:-1]
                else:
                    assert str(value) == text
            assert flow.packets == int(row['src_packets']) + int(row['dst_packets'])
            assert flow.bytes == int(row['src_wire_bytes']) + int(row['dst_wire_bytes'])
            assert flow.duration == flow.last - flow.first
        with pytest.raises(AttributeError, match='no column'):
            _ = result[0].nothing
        assert 'community_id' in dir(result[0])


def test_arrays(made, form):
    """Times, lengths and directions are those of the packets."""
    with made.open(form) as result:
        largest = result.find(sort='bytes', limit=20)
        among = [flow.id for flow in largest]
        assert [flow.id for flow in result if flow in largest] == sorted(among)
        assert [flow.id for flow in result if flow.file in largest] == sorted(among)
        for flow in largest:
            packets = list(flow.records(ns=True))
            assert flow.times.tolist() == [ts for ts, _ in packets]
            assert flow.captured_lengths.tolist() == [len(data) for _, data in packets]
            assert flow.lengths.tolist() == flow.captured_lengths.tolist()
            ways = flow.directions.tolist()
            if flow.flow is not None:
                assert (ways.count(1), ways.count(-1)) == (flow.src_packets, flow.dst_packets)
                assert ways[0] == 1
            sizes, times = flow.splt(5)
            n = min(5, len(packets))
            assert sizes.tolist() == ([size * (way or 1) for size, way in
                                       zip(flow.lengths, ways)][:5] + [0] * (5 - n))
            assert times.tolist() == ([0] + [b - a for a, b in zip(flow.times, flow.times[1:])]
                                      )[:5] + [0] * (5 - n)
        assert [(f.times.format, f.lengths.format, f.directions.format) for f in result[:1]] == [
            ('q', 'I', 'b')]


def header_and_payload(frame):
    """Where IP's header begins, where the payload begins and ends, of what these tests make."""
    at, kind = 12, int.from_bytes(frame[12:14], 'big')
    while kind == 0x8100:
        at += 4
        kind = int.from_bytes(frame[at:at + 2], 'big')
    at += 2
    if kind == 0x0800:
        transport, proto = at + (frame[at] & 15) * 4, frame[at + 9]
        end = at + int.from_bytes(frame[at + 2:at + 4], 'big')
    elif kind == 0x86dd:
        transport, proto = at + 40, frame[at + 6]
        end = transport + int.from_bytes(frame[at + 4:at + 6], 'big')
    else:
        return None
    header = {6: lambda: (frame[transport + 12] >> 4) * 4, 17: lambda: 8}.get(proto, lambda: 0)()
    return at, transport + header, end


def matrix_of(flow, packets, header, payload):
    """The same as first_bytes() has it, slowly."""
    out = bytearray()
    for _, frame in list(flow)[:packets]:
        places = header_and_payload(frame)
        row = bytearray(header + payload)
        if places:
            at, body, end = places
            first = frame[at:body][:header]
            row[:len(first)] = first
            data = frame[body:end][:payload]
            row[header:header + len(data)] = data
        out += row
    return bytes(out.ljust(packets * (header + payload), b'\0'))


def test_first_bytes(made, form):
    with made.open(form) as result:
        whole = result.first_bytes(packets=4, header=54, payload=33)
        assert (whole.shape, whole.format) == ((len(result), 4, 87), 'B')
        for i, flow in enumerate(result):
            wanted = matrix_of(flow, 4, 54, 33)
            assert whole.cast('B')[i * len(wanted):(i + 1) * len(wanted)] == wanted
        flow = result[3]
        one = flow.first_bytes(packets=4, header=54, payload=33)
        assert (one.shape, one.tobytes()) == ((4, 87), matrix_of(flow, 4, 54, 33))
        some = result.find(port=443, sort='bytes')
        assert some.first_bytes(packets=2, header=20, payload=0).tobytes() == b''.join(
            matrix_of(f, 2, 20, 0) for f in some)
        none = result.first_bytes(packets=1000, header=0, payload=0)
        assert (none.shape, none.tobytes()) == ((len(result), 1000, 0), b'')
        assert flow.first_bytes(packets=1000, header=0, payload=0).tobytes() == b''
        room = bytearray(len(result) * 4 * 87)
        assert result.first_bytes(packets=4, header=54, payload=33, threads=3, out=room) is room
        assert bytes(room) == whole.tobytes()
        masked = result.first_bytes(packets=4, header=54, payload=33, mask='ip,mac,port').tobytes()
        assert masked != whole.tobytes() and len(masked) == whole.nbytes
        for flow in result[:5]:
            assert flow.first_bytes(1, 20, 0, mask='ip')[0, 0] == flow.first_bytes(1, 20, 0)[0, 0]
        sizes, times = result.splt(6)
        assert sizes.shape == times.shape == (len(result), 6)
        assert sizes.tolist() == [flow.splt(6)[0].tolist() for flow in result]
        assert times.tolist() == [flow.splt(6)[1].tolist() for flow in result]


def test_masks(small):
    """No byte of an address or a port is left, wherever it stands."""
    with small.open('index') as result:
        flow = result.find(host='192.168.1.10', port=443)[0]
        addresses = bytes([192, 168, 1, 10]), bytes([203, 0, 113, 80])
        ports = struct.pack('>H', 50000), struct.pack('>H', 443)
        frames = [frame for _, frame in flow]
        plain = flow.first_bytes(8, 54, 0, link=True).tobytes()
        assert all(word in plain for word in addresses + ports + (frames[0][:6],))
        masked = flow.first_bytes(8, 54, 0, link=True, mask='ip, mac, port').tobytes()
        assert not any(word in masked for word in addresses + ports + (frames[0][:6],))
        assert masked[12:24] == frames[0][12:24]


def test_find(made, form):
    with made.open(form) as result:
        rows = list(result.rows())
        port = result[0].dport
        found = result.find(port=port)
        assert [f.row for f in found] == [i for i, row in enumerate(rows)
                                          if port in (row['sport'], row['dport'])]
        assert [f.row for f in found.find(proto='udp')] == [
            f.row for f in found if f.proto == 'udp']
        large = result.find(where='bytes > 1e4', sort='bytes')
        assert [f.bytes for f in large] == sorted(
            (f.bytes for f in result if f.bytes > 1e4), reverse=True)
        assert [f.flow for f in result.find(flow=[3, '7-9'])] == [3, 7, 8, 9]
        assert [f.row for f in result.find(community_id=result[4].community_id)] == [4]
        middle = (result[0].first + 1000) / 10**9
        assert len(result.find(before=middle)) + len(result.find(before=middle, invert=True)) == len(
            result)
        assert result.totals(port=port).packets == sum(f.packets for f in found)
        assert result.totals().rows == len(result)
        with pytest.raises(cleave.OptionError) as e:
            result.find(where='no such column')
        assert (e.value.code, e.value.subject) == ('option', 'where')
        with pytest.raises(TypeError, match='hots'):
            result.find(hots='10.0.0.1')


def test_find_among(made, form):
    """A selection of flows is selected from as if there were no others."""
    with made.open(form) as result:
        tcp = result.find(proto='udp', invert=True)[10:]
        assert [f.row for f in tcp.find(limit=3)] == [f.row for f in tcp[:3]]
        assert [f.row for f in tcp.find(limit=10**6)] == [f.row for f in tcp]
        large = sorted(tcp, key=lambda f: (-f.bytes, f.row))
        assert list(tcp.find(sort='bytes', limit=4)) == large[:4]
        assert list(tcp.find(sort='bytes').find(limit=2)) == list(tcp[:2])
        some = tcp[[5, 2, 2, -1]]
        assert list(some.find()) == [tcp[2], tcp[5], tcp[-1]]
        assert list(some.find(flow=tcp[2].flow, invert=True)) == [tcp[5], tcp[-1]]
        assert list(some.find(where='flow in (%d, %d)' % (tcp[2].flow, tcp[3].flow))) == [tcp[2]]
        assert len(result[:0].find()) == len(result[:0].find(limit=1, invert=True)) == 0
        for bad, exception in (({'where': 'no such column'}, cleave.OptionError),
                               ({'hots': '10.0.0.1'}, TypeError)):
            for flows in (some, result[:0]):
                with pytest.raises(exception):
                    flows.find(**bad)


def test_find_among_many(tmp_path):
    cleave.generate_synflood(tmp_path / 's.pcap', count=5000)
    with cleave.open(tmp_path / 's.pcap') as result:
        some = result[::2]
        assert [f.row for f in some.find(where='flow > 4000', limit=600)] == list(
            range(4000, 5000, 2))


def test_sequence(made):
    with made.open('index') as result:
        n = len(result)
        assert result[-1].row == n - 1 and result[n - 1] == result[-1]
        assert [f.row for f in result[5:2:-1]] == [5, 4, 3]
        assert isinstance(result[2:4], cleave.Flows) and len(result[2:4]) == 2
        flow = result[result[3].file]
        assert flow == result[3] and hash(flow) == hash(result[3]) and flow in result
        assert flow.file in result and 'other' not in result
        for bad in (n, -n - 1):
            with pytest.raises(IndexError):
                _ = result[bad]
        with pytest.raises(KeyError):
            _ = result['nothing']
        with pytest.raises(KeyError):
            _ = result[:2][flow.file]
        with pytest.raises(TypeError):
            _ = result[1.5]


def test_chosen(made):
    """Flows at places, by flows, or by a bool for each."""
    with made.open('index') as result, made.open('index') as other:
        n = len(result)
        assert [f.row for f in result[[5, -1, 5]]] == [5, n - 1, 5]
        assert [f.row for f in result[(result[7], result[2])]] == [7, 2]
        assert [f.row for f in result[2:9][[0, -1]]] == [2, 8]
        assert [f.row for f in result[[i % 50 == 0 for i in range(n)]]] == list(range(0, n, 50))
        assert len(result[[]]) == 0 and len(result[iter([1, 2])]) == 2
        chosen = result.find(port=443)
        assert list(result[chosen]) == list(chosen)
        wanted = chosen.first_bytes(packets=2).tobytes()
        assert result.first_bytes(chosen, packets=2).tobytes() == wanted
        assert result.first_bytes(list(chosen), 2, 80, 240).tobytes() == wanted
        for bad, exception in (([n], IndexError), ([True], IndexError), ([1.5], TypeError),
                               ([None], TypeError), ({'a': 1}, TypeError),
                               ([True, 2], TypeError), ([True] * (n - 1), IndexError),
                               (other[:2], ValueError), ([other[0]], ValueError)):
            with pytest.raises(exception):
                _ = result[bad]
        for bad in (5, 'x', result[0]):
            with pytest.raises(TypeError):
                result.first_bytes(bad)


def test_chosen_by_arrays(made):
    numpy = pytest.importorskip('numpy', reason='NumPy is not there')
    with made.open('index') as result:
        assert [f.row for f in result[numpy.array([3, 1], dtype=numpy.uint32)]] == [3, 1]
        table = pytest.importorskip('pandas', reason='pandas is not there') and result.manifest
        some = result[table['proto'] == 'udp']
        assert [f.row for f in some] == [f.row for f in result if f.proto == 'udp']
        assert list(result[table.index[table['proto'] == 'udp']]) == list(some)
        assert len(numpy.asarray(result.first_bytes(table['proto'] == 'udp'))) == len(some)


def test_chosen_by_columns(made, small):
    """What is missing in a column counts as False; NumPy's bools are bools."""
    numpy = pytest.importorskip('numpy', reason='NumPy is not there')
    pandas = pytest.importorskip('pandas', reason='pandas is not there')
    for result in (made.open('index'), small.open('captures'), small.open('captures')[1:]):
        table, flows = result.manifest, list(result)
        wanted = [f for f in flows if f.dport == 443]
        is_443 = table['dport'] == 443
        assert str(is_443.dtype) == 'boolean' and is_443.isna().any() and wanted
        plain = [f.dport == 443 for f in flows]
        holes = [None if f.dport is None else f.dport == 443 for f in flows]
        for mask in (is_443, is_443.array, is_443.fillna(False), is_443.astype(object),
                     is_443.fillna(False).to_numpy(), list(numpy.array(plain)), plain, holes,
                     [float('nan') if h is None else h for h in holes],
                     is_443.set_axis(table['file']), is_443.set_axis(range(7, 7 + len(table))),
                     (table.sort_values('src_packets')['dport'] == 443)):
            assert list(result[mask]) == wanted
            assert result.first_bytes(mask, 1).tobytes() == b''.join(
                f.first_bytes(1).tobytes() for f in wanted)
        assert len(result[pandas.array([None] * len(table), 'boolean')]) == 0
        assert list(result[list(table.index[is_443.fillna(False)].to_numpy())]) == wanted
        places = pandas.Series([2, 0], index=[1, 0])
        for of in ('int8', 'uint64', 'Int64', 'UInt8', object):
            assert list(result[places.astype(of)]) == [flows[2], flows[0]]
        for bad, exception in ((is_443[1:], IndexError), (is_443.array[:-1], IndexError),
                               (numpy.array([], bool), IndexError), (numpy.True_, TypeError),
                               (pandas.Series([1, None], dtype='Int64'), TypeError),
                               (numpy.zeros((len(table), 2), bool), TypeError)):
            with pytest.raises(exception):
                _ = result[bad]
    assert len(small.open('index').find(invert=numpy.True_, port=443)) > 0


def test_hash(made):
    """The same for both directions and in each version, and no address has none."""
    assert cleave.tuple_hash('10.0.0.1', '10.0.0.2', 1, 2, 'udp') == 0x517d5ee31c6209fe
    assert cleave.tuple_hash('10.0.0.2', '10.0.0.1', 2, 1, 'udp') == 0x517d5ee31c6209fe
    assert cleave.tuple_hash('10.0.0.1') == 0x56be56174109cee0
    with made.open('index') as result:
        for flow, number in zip(result, result.hashes):
            assert flow.hash == number
            if flow.src is None:
                assert number == 0
            else:
                assert number == cleave.tuple_hash(flow.dst, flow.src, flow.dport, flow.sport,
                                                   flow.proto)
        assert result[3:5].hashes.tolist() == [result[3].hash, result[4].hash]


def test_hash_of_floats(small, tmp_path):
    """A column of a table where a port is missing has floats."""
    plain = cleave.tuple_hash('10.0.0.1', '10.0.0.2', 1, 443)
    none = cleave.tuple_hash('10.0.0.1', '10.0.0.2', proto='icmp')
    nan = float('nan')
    assert cleave.tuple_hash('10.0.0.1', '10.0.0.2', 1.0, 443.0) == plain
    assert cleave.tuple_hash('10.0.0.1', '10.0.0.2', nan, None, 'icmp') == none
    for ports, exception in (((1.5, 443), ValueError), ((float('inf'), 443), ValueError),
                             ((-1.0, 443), cleave.Error), ((65536.0, 443), cleave.Error),
                             ((nan, 443), TypeError), ((1.0, None), TypeError),
                             (('1', '443'), TypeError), ((True, 443), TypeError)):
        with pytest.raises(exception):
            cleave.tuple_hash('10.0.0.1', '10.0.0.2', *ports)
    pandas = pytest.importorskip('pandas', reason='pandas is not there')
    with small.open('index') as result:
        flows = [flow for flow in result if flow.src is not None]
        with open(tmp_path / 'labels.csv', 'w', encoding='ascii') as f:
            f.write('src,dst,sport,dport,proto\n')
            for flow in flows:
                f.write(','.join('' if v is None else str(v) for v in (
                    flow.src, flow.dst, flow.sport, flow.dport, flow.proto)) + '\n')
    table = pandas.read_csv(tmp_path / 'labels.csv')
    assert table['dport'].dtype == 'float64' and table['dport'].isna().any()
    for more in ({}, {'sport': 'Int64', 'dport': 'Int64'}, {'sport': 'float32', 'dport': object}):
        rows = [row for _, row in table.astype(more).iterrows()]
        for row in rows + list(table.astype(more).itertuples()):
            assert cleave.tuple_hash(row.src, row.dst, row.sport, row.dport, row.proto) in [
                flow.hash for flow in flows]
        assert [cleave.tuple_hash(row.src, row.dst, row.sport, row.dport, row.proto)
                for row in rows] == [flow.hash for flow in flows]


def test_numpy(made):
    """Arrays are the module's own memory, and outlive what they are of."""
    numpy = pytest.importorskip('numpy', reason='NumPy is not there')
    result = made.open('index')
    flow = result[0]
    view = flow.times
    times = numpy.asarray(view)
    assert times.dtype == numpy.int64 and numpy.shares_memory(times, numpy.asarray(flow.times))
    wanted = view.tolist()
    matrix = numpy.asarray(result.first_bytes(packets=3))
    assert matrix.shape == (len(result), 3, 320) and matrix.dtype == numpy.uint8
    out = numpy.empty_like(matrix)
    assert result.first_bytes(packets=3, out=out) is out and (out == matrix).all()
    result.close()
    del flow, view, result
    gc.collect()
    assert times.tolist() == wanted
    assert matrix.sum() == out.sum() > 0


def test_pandas(made, form):
    pandas = pytest.importorskip('pandas', reason='pandas is not there')
    with made.open(form) as result:
        frame = result.manifest
        assert list(frame.columns) == [*result.columns, 'hash'] and len(frame) == len(result)
        assert str(frame['first'].dtype) == 'datetime64[ns, UTC]'
        assert str(frame['src_packets'].dtype) == 'int64' and str(frame['sport'].dtype) == 'Int64'
        assert str(frame['hash'].dtype) == 'uint64'
        for flow, (_, row) in zip(result, frame.iterrows()):
            assert row['first'].value == flow.first
            for name in result.columns:
                if name not in ('first', 'last'):
                    value = getattr(flow, name)
                    assert pandas.isna(row[name]) if value is None else row[name] == value
        some = result.find(sort='bytes', limit=4)
        assert some.manifest['file'].tolist() == [flow.file for flow in some]


def test_spans(tmp_path):
    """What a column of durations has, in rows and in a DataFrame."""
    pandas = pytest.importorskip('pandas', reason='pandas is not there')
    cleave.generate_traffic(tmp_path / 'r.pcap', flows=200, related=True)
    cleave.split(tmp_path / 'r.pcap', tmp_path / 'd', related='all')
    with cleave.open(tmp_path / 'd') as result:
        texts = [row['lag'] for row in manifest_of(tmp_path / 'd')]
        wanted = [None if not t else int(t.replace('.', '')) for t in texts]
        assert [row['lag'] for row in result.rows()] == wanted and any(wanted)
        lags = result.manifest['lag']
        assert str(lags.dtype) == 'timedelta64[ns]'
        assert [None if pandas.isna(lag) else lag.value for lag in lags] == wanted


def test_database_of_outputs(made, tmp_path):
    """manifest.db is the result that it lies in, and by itself has rows alone."""
    cleave.split(made.capture, tmp_path / 'd', manifest='sqlite')
    with cleave.open(tmp_path / 'd') as whole, cleave.open(tmp_path / 'd' / 'manifest.db') as beside:
        assert beside.kind == whole.kind == 'directory'
        wanted = list(whole.rows())
        assert list(beside.rows()) == wanted
        assert list(beside[3]) == list(whole[3])
        again = pickle.loads(pickle.dumps(beside[3]))
        assert list(again) == list(whole[3])
    (tmp_path / 'alone.db').write_bytes((tmp_path / 'd' / 'manifest.db').read_bytes())
    with cleave.open(tmp_path / 'alone.db') as alone:
        assert alone.kind == 'manifest' and list(alone.rows()) == wanted
        assert alone.totals().packets == 3000 and alone.damage is None
        assert [f.flow for f in alone.find(where='flow < 4')] == [1, 2, 3]
        assert alone[0].hash == alone.hashes[0] != 0
        for call in (lambda: list(alone[0]), lambda: alone[0].times, alone.first_bytes,
                     lambda: alone.splt(3), alone[0].open, lambda: alone.save(tmp_path / 'x.pcap')):
            with pytest.raises(cleave.Error, match='is a manifest'):
                call()
    assert sorted(os.listdir(tmp_path)) == ['alone.db', 'd']


def test_save(made, form, tmp_path):
    """What is saved are the bytes of the output, or of a capture of them all."""
    with made.open(form) as result:
        flow = result[1]
        with open(os.path.join(made.paths['directory'], flow.file), 'rb') as f:
            wanted = f.read()
        counts = flow.save(tmp_path / 'one.pcap')
        assert (counts.records, counts.bytes) == (flow.packets, len(wanted))
        assert (tmp_path / 'one.pcap').read_bytes() == wanted
        with pytest.raises(cleave.Error) as e:
            flow.save(tmp_path / 'one.pcap')
        assert e.value.code == 'exists'
        flow.save(tmp_path / 'one.pcap', force=True)
        with flow.open() as f:
            assert f.read() == wanted
            assert os.path.exists(f.name)
        assert not os.path.exists(f.name)
        some = result.find(port=443)
        told = []
        assert some.save(tmp_path / 'some.pcap', progress=lambda *n: told.append(n)).flows == len(
            some)
        assert sum(len(b) for b in cleave.records(tmp_path / 'some.pcap')) == sum(
            f.packets for f in some)
        some.save(str(tmp_path / 'each') + '/')
        assert len(os.listdir(tmp_path / 'each')) == len(some) + 1
        assert result[:0].save(tmp_path / 'none.pcap').rows == 0


NAMES = ('{dport}', '#{n}', 'src,dst,{n}', '{src},{n}', '{n}', 'flow {n}')


@pytest.mark.parametrize('name', NAMES)
def test_save_whatever_the_name(made, form, tmp_path, name):
    """A flow is saved, and not what its output's name may mean elsewhere."""
    if form == 'captures':
        result = cleave.open(made.capture, name=name)
    else:
        path = tmp_path / {'index': 'i.db', 'directory': 'd', 'archive': 'd.zip'}[form]
        (cleave.index if form == 'index' else cleave.split)(made.capture, path, name=name)
        result = cleave.open(path)
    with result:
        some = result.find(where='dport < 200 OR flow % 7 = 1')
        assert 10 < len(some) < len(result) - 10
        for flows in (some, some[3:5], some[[4, 4, 1]]):
            wanted = set(flows)
            counts = flows.save(tmp_path / 'some.pcap', force=True)
            assert counts.rows == len(wanted)
            assert counts.records == sum(f.packets for f in wanted)
            saved = sorted(r.data for batch in cleave.records(tmp_path / 'some.pcap')
                           for r in batch)
            assert saved == sorted(data for flow in wanted for _, data in flow)
        some.save(str(tmp_path / 'each') + '/')
        assert {row['file'] for row in manifest_of(tmp_path / 'each')} == {f.file for f in some}


def test_scapy_and_dpkt_read_an_open_flow(small):
    with small.open('index') as result:
        flow = result[0]
        wanted = [data for _, data in flow]
        dpkt = pytest.importorskip('dpkt', reason='dpkt is not there')
        with flow.open() as f:
            assert [bytes(data) for _, data in dpkt.pcap.Reader(f)] == wanted
        scapy = pytest.importorskip('scapy.utils', reason='scapy is not there')
        with flow.open() as f:
            assert [bytes(p) for p in scapy.PcapReader(f)] == wanted


def test_captures_elsewhere(made, tmp_path):
    """An index whose captures were moved."""
    moved, index = tmp_path / 'moved.pcap', tmp_path / 'i.db'
    with open(made.capture, 'rb') as f:
        (tmp_path / 'a.pcap').write_bytes(f.read())
    cleave.index(tmp_path / 'a.pcap', index)
    (tmp_path / 'a.pcap').rename(moved)
    with cleave.open(index) as result:
        assert len(result) > 100
        with pytest.raises(cleave.Error) as e:
            list(result[0])
        assert e.value.code == 'io' and 'a.pcap' in e.value.subject
    with cleave.open(index, captures=moved) as result:
        assert len(list(result[0])) == result[0].packets


@pytest.mark.parametrize('packets', ['between 5 and 60', '> 100'])
def test_truncated(made, tmp_path, packets):
    """Packets of a capture that shrinks meanwhile do not end as if they were all there."""
    path = tmp_path / 't.pcap'
    path.write_bytes(pathlib.Path(made.capture).read_bytes())
    cleave.index(path, tmp_path / 't.db')
    with cleave.open(tmp_path / 't.db') as result:
        flow = result.find(where='packets ' + packets, sort='last')[-1]
        reading = iter(flow)
        first = next(reading)
        assert first == next(iter(flow))
        os.truncate(path, path.stat().st_size // 2 + 1)
        with pytest.raises(cleave.Error, match='shrank'):
            list(reading)
        with pytest.raises(cleave.Error):
            list(flow)


def test_streams(made, tmp_path):
    """Flows of a compressed capture, side by side."""
    import gzip
    path = tmp_path / 'm.pcap.gz'
    with open(made.capture, 'rb') as f:
        path.write_bytes(gzip.compress(f.read(), 1))
    try:
        result = cleave.open(path)
    except cleave.Error as e:
        pytest.skip(str(e))
    with result, made.open('captures') as plain:
        pairs = list(zip(result[0], result[1]))
        assert pairs == list(zip(plain[0], plain[1]))
        assert result.first_bytes().tobytes() == plain.first_bytes().tobytes()
        assert result.splt(9)[1].tolist() == plain.splt(9)[1].tolist()


def test_keys(made):
    """Flows made by other keys; both hosts have the packets."""
    with cleave.open(made.capture, by='host') as result:
        assert result.columns.count('dst') == 0 or result[0].dst is None
        flow = result[0]
        assert set(flow.directions.tolist()) <= {1, -1}
        assert flow.hash == cleave.tuple_hash(flow.src)
    with cleave.open(made.capture, shards=3) as result:
        assert len(result) == 4
        assert set(result[0].directions.tolist()) == {0}


def test_records(made):
    dpkt = pytest.importorskip('dpkt', reason='dpkt is not there')
    wanted = as_dpkt(made.capture)
    found = [(r.time, r.data) for batch in cleave.records(made.capture, ns=True, batch=700)
             for r in batch]
    near(about(found), wanted)
    at = 0
    for batch in cleave.records(made.capture, batch=700):
        assert len(batch) == min(700, len(wanted) - at)
        for i, record in enumerate(batch):
            data = wanted[at + i][1]
            assert batch.data[batch.offsets[i]:batch.offsets[i + 1]] == data
            assert (record.length, record.linktype) == (len(data), 1)
            ip = dpkt.ethernet.Ethernet(data).data
            if not isinstance(ip, (dpkt.ip.IP, dpkt.ip6.IP6)):
                assert (record.src, record.sport, record.proto, record.hash) == (None,) * 4
                continue
            family = 4 if isinstance(ip, dpkt.ip.IP) else 6
            assert dpkt.utils.inet_to_str(ip.src) == record.src
            assert dpkt.utils.inet_to_str(ip.dst) == record.dst
            assert (record.proto, batch.families[i]) == (ip.p, family)
            assert batch.srcs.cast('B')[16 * i:16 * i + len(ip.src)] == ip.src
            assert batch.dsts.cast('B')[16 * i:16 * i + len(ip.dst)] == ip.dst
            if isinstance(ip.data, (dpkt.tcp.TCP, dpkt.udp.UDP)):
                assert (record.sport, record.dport) == (ip.data.sport, ip.data.dport)
                assert record.hash == batch.hashes[i] == cleave.tuple_hash(
                    record.src, record.dst, record.sport, record.dport,
                    'tcp' if ip.p == 6 else 'udp')
            assert record.tcp_flags == getattr(ip.data, 'flags', 0)
        at += len(batch)
    assert at == len(wanted)
    bare = next(cleave.records(made.capture, data=False))
    assert bare.data is None and bare[0].data is None and bare[0].length > 0
    all_of_them = list(bare)
    for at in (slice(1, 4), slice(None, None, -7), slice(5, 2), slice(-3, None)):
        assert bare[at] == all_of_them[at]
    assert bare[-1] == all_of_them[-1]
    for bad, exception in ((len(bare), IndexError), (-len(bare) - 1, IndexError), ('0', TypeError)):
        with pytest.raises(exception):
            _ = bare[bad]


def test_damage(made, tmp_path):
    """What comes before it is read."""
    with open(made.capture, 'rb') as f:
        data = f.read()
    path = tmp_path / 'cut.pcap'
    path.write_bytes(data[:len(data) // 2])
    records = []
    with pytest.raises(cleave.Error) as e:
        for batch in cleave.records(path, batch=100):
            records += batch
    assert e.value.code == 'damage' and e.value.offset > 0
    assert e.value.record == len(records) + 1
    with cleave.open(path) as result:
        assert result.damage.code == 'damage' and result.damage.offset == e.value.offset
        assert sum(flow.packets for flow in result) == len(records)
    counts = cleave.split(path, tmp_path / 'out')
    assert counts.records_read == len(records) and counts.damage['byte'] == e.value.offset


def test_buffers_and_text(tmp_path):
    """A name that is no UTF-8 comes back as os.fsencode() takes it."""
    path = os.path.join(os.fsencode(tmp_path), b'n\xff.pcap')
    cleave.generate_synflood(path, count=3)
    with cleave.open(path) as result:
        assert os.fsencode(result.path) == path and len(result) == 3
    assert sum(len(b) for b in cleave.records(os.fsdecode(path))) == 3
    assert isinstance(io.BytesIO(result.path.encode('utf-8', 'surrogateescape')), io.BytesIO)
