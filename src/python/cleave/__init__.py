# SPDX-License-Identifier: BSD-2-Clause
"""Packet captures split by flow, and their flows read without splitting.

    import cleave
    cleave.index('day.pcap')                       # one reading; makes day.flows.db
    with cleave.open('day.flows.db') as result:    # or a capture, an archive, a directory
        for flow in result.find(port=443, sort='bytes', limit=10):
            for ts, packet in flow:
                ...
        matrix = result.first_bytes(packets=5)     # of all flows, by all processors

Keywords of split(), index(), gather(), verify(), open() and find() are the flags of the commands,
with '_' in place of '-'. Values are str, int and bool; sequences for lists, os.PathLike for files,
datetime (with a time zone) or seconds for times, timedelta or seconds for durations; and what NumPy
and pandas have for these. Seconds may be any number: Fraction(flow.first, 10**9) is exact.

Unless it says otherwise, sizes are in bytes and times are integers, nanoseconds since the epoch in
UTC. A failure raises cleave.Error. An invalid value raises cleave.OptionError, which is also a
ValueError; an unknown keyword, or a value of the wrong type, raises TypeError. Ctrl-C stops what is
under way, and leaves nothing of an output that was begun.

Threads: every function may be called from any thread. Several threads can read packets of one
Result at the same time; its other functions are executed one at a time.
"""
import datetime
import json
import operator
import os
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import (Any, BinaryIO, Callable, Dict, FrozenSet, Iterator, List, Optional, Tuple,
                    Union, overload)

from . import _cleave
from ._cleave import Batch, Error, OptionError, Record

__version__ = _cleave.version
__all__ = ['Batch', 'Counts', 'Error', 'Flow', 'Flows', 'OptionError', 'Record', 'Result', 'Verdict',
           'features', 'gather', 'generate_synflood', 'generate_traffic', 'index', 'open', 'records',
           'split', 'tuple_hash', 'verify']

Path = Union[str, bytes, 'os.PathLike[str]', 'os.PathLike[bytes]']
Paths = Union[Path, Sequence[Path]]
Progress = Optional[Callable[['Counts'], Optional[bool]]]
Pairs = Tuple[Tuple[bytes, bytes], ...]
Packet = Tuple[Any, bytes]  # time, or None, and what was captured

# enum clv_option_type
(_BOOL, _NOT, _TEXT, _LIST, _U16, _U32, _U64, _SIZE, _DURATION, _TIME, _WORD, _CHOICE, _EVERY,
 _MODE, _IPV4) = range(15)
_MASKS = {'ip': 1, 'mac': 2, 'port': 4}
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


# ---- what is given ----

def _path(path: Path) -> bytes:
    return os.fsencode(path)


def _paths(paths: Paths) -> Tuple[bytes, ...]:
    if isinstance(paths, (str, bytes, os.PathLike)):
        return (_path(paths),)
    return tuple(_path(p) for p in paths)


def _ns(value: Any) -> int:
    """Seconds, or a timedelta, exactly as far as they are."""
    if isinstance(value, datetime.timedelta):  # that of pandas has nanoseconds, too
        return (((value.days * 86400 + value.seconds) * 10**6 + value.microseconds) * 1000 +
                getattr(value, 'nanoseconds', 0))
    if _is_numpy_time(value):
        return int(value.astype(value.dtype.kind + '8[ns]').astype('i8'))
    if _is_bool(value) or isinstance(value, (str, Iterable)) or not hasattr(value, '__round__'):
        raise TypeError('%r is no number of seconds' % (value,))
    try:
        return round(value * 10**9)  # also of Fraction and Decimal
    except OverflowError:
        raise ValueError('%r is no number of seconds' % value) from None


def _is_numpy_time(value: Any) -> bool:
    """datetime64, which is UTC, and timedelta64, of a module that need not be there."""
    return type(value).__module__ == 'numpy' and value.dtype.kind in 'Mm'


def _time(value: Any) -> str:
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise ValueError('a datetime needs a time zone, such as datetime.timezone.utc')
        value = value - _EPOCH
    ns = _ns(value)
    if not -2**63 < ns < 2**63:
        raise ValueError('%r is no time in seconds: nanoseconds are Fraction(n, 10**9)' % (value,))
    return '%s%d.%09d' % ('-' if ns < 0 else '', abs(ns) // 10**9, abs(ns) % 10**9)


def _is_numpy(kind: str, value: Any) -> bool:
    """A single value of a kind, of a module that need not be there."""
    return (type(value).__module__ == 'numpy' and
            getattr(getattr(value, 'dtype', None), 'kind', '') == kind and value.shape == ())


def _is_bool(value: Any) -> bool:
    """Also one of NumPy, which is no bool of Python."""
    return isinstance(value, bool) or _is_numpy('b', value)


def _is_float(value: Any) -> bool:
    return isinstance(value, float) or _is_numpy('f', value)


def _is_missing(value: Any) -> bool:
    """None, and what pandas has in its place: NA, NaT and NaN."""
    return (value is None or type(value).__name__ in ('NAType', 'NaTType') or
            _is_float(value) and bool(value != value))


def _is_true(name: str, value: Any) -> bool:
    if _is_bool(value):
        return bool(value)
    raise TypeError('%s takes True or False, not %r' % (name, value))


def _number(name: str, value: Any) -> str:
    if _is_bool(value):
        raise TypeError('%s takes a number, not %r' % (name, value))
    return '%d' % operator.index(value)


def _list(name: str, value: Any) -> str:
    if _is_address(value):
        return str(value)
    if isinstance(value, Iterable) and not isinstance(value, (bytes, Mapping)):
        words = [v if isinstance(v, str) else str(v) if _is_address(v) else _number(name, v)
                 for v in value]
        if any(',' in w for w in words):
            raise ValueError('%s: words of a list have no commas' % name)
        return ','.join(words)
    return _number(name, value)


def _is_address(value: Any) -> bool:
    """One of module ipaddress, which is not loaded for this. Networks are sequences, too."""
    return type(value).__module__ == 'ipaddress'


def _text(name: str, kind: int, words: str, value: Any) -> bytes:
    """A value as the library takes it."""
    if kind in (_BOOL, _NOT):
        return b'true' if _is_true(name, value) else b'false'
    if isinstance(value, (bytes, os.PathLike)) and kind == _TEXT:
        return os.fsencode(value)
    if isinstance(value, str):
        text = value
    elif kind in (_U16, _U32, _U64, _SIZE):
        text = _number(name, value)
    elif kind == _MODE:
        text = '%o' % operator.index(value)
    elif kind == _DURATION:
        text = '%dns' % _ns(value)
    elif kind == _TIME:
        text = _time(value)
    elif kind == _LIST:
        text = _list(name, value)
    elif kind == _CHOICE and _is_bool(value):
        text = words.split('|')[1 if value else 0]
    elif kind == _IPV4 and _is_address(value):
        text = str(value)
    else:
        raise TypeError('%s takes a str, not %r' % (name, value))
    return text.encode('utf-8', 'surrogateescape')


class _Table:
    """A table of options, by name."""
    def __init__(self, which: str) -> None:
        self.which = which
        self.rows: Optional[Dict[str, Tuple[Any, ...]]] = None

    def pairs(self, options: Mapping[str, Any]) -> Pairs:
        """None stands for what is not given."""
        if self.rows is None:
            self.rows = {row[0]: row for row in _cleave.options(self.which)}
        out: List[Tuple[bytes, bytes]] = []
        for name, value in options.items():
            row = self.rows.get(name)
            if row is None:
                raise TypeError('unexpected keyword argument %r: options are %s' % (
                    name, ', '.join(sorted(self.rows))))
            if value is not None:
                out.append((name.encode(), _text(name, row[1], row[2] or '', value)))
        return tuple(out)


_SPLIT, _INDEX, _VERIFY = _Table('split'), _Table('index'), _Table('verify')
_GATHER = _Table('gather')
_SELECTION, _SYNFLOOD, _TRAFFIC = _Table('selection'), _Table('synflood'), _Table('traffic')


class Counts(Mapping):
    """What a run came to: the counters of --json, as attributes and as a mapping."""
    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__') or name == '_values':
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError('there is no count %r' % name) from None

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __dir__(self) -> List[str]:
        return [*super().__dir__(), *self._values]

    def __repr__(self) -> str:
        return '%s(%r)' % (type(self).__name__, self._values)


def _counts(text: str) -> Counts:
    return Counts(json.loads(text))


def _function(progress: Any) -> Any:
    if progress is not None and not callable(progress):
        raise TypeError('progress takes a function, not %r' % (progress,))
    return progress


def _reported(progress: Progress) -> Optional[Callable[[str], Optional[bool]]]:
    told = _function(progress)
    return told and (lambda text: told(_counts(text)))


# ---- doing ----

def _run(index_it: bool, inputs: Paths, output: Optional[Path], progress: Progress,
         options: Mapping[str, Any]) -> Counts:
    paths = _paths(inputs)
    if output is None and paths and not options.get('dry_run'):
        output = os.fsdecode(_cleave.default_output(index_it, paths[0]))
    pairs = (_INDEX if index_it else _SPLIT).pairs(dict(options, output=output))
    return _counts(_cleave.split(index_it, paths, pairs, _reported(progress)))


def split(inputs: Paths, output: Optional[Path] = None, *, progress: Progress = None,
          **options: Any) -> Counts:
    """Splits captures into one file per flow, as "cleave split" does.

    inputs: a path, or several that are read as one capture. output: the directory to make, or an
    archive if it ends in ".zip"; by default the capture's name with ".flows", in the current
    directory. progress: called about ten times a second with the counts so far; if it returns
    False, the run stops. Returns the counts. `damage` is None, or tells what is damaged in the
    captures; everything before the damage was split.
    """
    return _run(False, inputs, output, progress, options)


def index(inputs: Paths, output: Optional[Path] = None, *, progress: Progress = None,
          **options: Any) -> Counts:
    """Makes an index of captures, as "cleave index" does; no packet is copied.

    output: by default the capture's name with ".flows.db", in the current directory. Everything
    else is as for split().
    """
    return _run(True, inputs, output, progress, options)


def gather(results: Paths, output: Path, *,
           progress: Optional[Callable[[int, int], Any]] = None, **options: Any) -> Counts:
    """Joins directories or archives that split() made with the same options, as "cleave gather"
    does: their outputs are linked into one directory, with one manifest. Indexes become one index.
    What was made with shards, where these are of it, is named among the results, too.

    progress: called with the outputs and bytes so far; returning False stops.
    Returns the counts; `damage` as for split().
    """
    pairs = _GATHER.pairs(dict(options, output=output))
    return _counts(_cleave.gather(_paths(results), pairs, _function(progress)))


class Verdict(Counts):
    """What verify() found, which is true where all was proven."""
    def __bool__(self) -> bool:
        return bool(self._values['proven'])


def verify(output: Path, inputs: Paths = (), *, progress: Optional[Callable[[int], Any]] = None,
           **options: Any) -> Verdict:
    """Proves that what split() or gather() made holds what its captures hold.

    inputs: where the captures are now; by default where they were. progress: called with the bytes
    read so far.
    Returns the counts: `proven`, which is also whether they are true, and `found`, the faults as a
    list of Error, 10,000 at most.
    """
    text, found = _cleave.verify(_path(output), _paths(inputs), _VERIFY.pairs(options),
                                 _function(progress))
    return Verdict(dict(json.loads(text), found=found))


def generate_traffic(path: Path, **options: Any) -> Counts:
    """Saves a mix of flows for tests, the same for the same options (see cleave-generate(1)).

    Returns the counts `bytes` and `packets`.
    """
    size, packets = _cleave.generate_traffic(_path(path), _TRAFFIC.pairs(options))
    return Counts({'bytes': size, 'packets': packets})


def generate_synflood(path: Path, **options: Any) -> Counts:
    """Saves SYN packets, each from the next address. Returns the count `bytes`."""
    return Counts({'bytes': _cleave.generate_synflood(_path(path), _SYNFLOOD.pairs(options))})


def features() -> str:
    """The libraries that this build uses, and what it was built without."""
    return _cleave.features()


def _port(value: Any) -> Optional[int]:
    """A column of pandas where a port is missing has its ports as floats."""
    if _is_missing(value):
        return None
    if _is_bool(value):
        raise TypeError('%r is no port' % value)
    if not _is_float(value):
        return operator.index(value)
    if value % 1:
        raise ValueError('%r is no port' % value)
    return int(value)


def tuple_hash(src: object, dst: object = None, sport: Union[int, float, None] = None,
               dport: Union[int, float, None] = None, proto: object = 'tcp') -> int:
    """The 64-bit hash of a tuple, the same for both directions, on every machine and in every
    version: what Flow.hash is of. Of an address alone, with which to split by host:
    tuple_hash(address).

    sport, dport: None, NaN and NA stand for a tuple without ports; 443.0 is 443, as columns of
    pandas have ports where some rows have none.
    """
    from_port, to_port = _port(sport), _port(dport)
    if (from_port is None) != (to_port is None):
        raise TypeError('ports are given both, or none')
    if dst is None:
        dst, proto = src, 'ip-0'
    ports = ('', '') if from_port is None else ('_%d' % from_port, '_%d' % to_port)
    key = '%s_%s%s_%s%s' % (proto, src, ports[0], dst, ports[1])
    return _cleave.tuple_hash(key.encode())


# ---- reading captures ----

def records(path: Path, *, batch: int = 4096, data: bool = True, ns: bool = False
            ) -> Iterator[Batch]:
    """The records of a capture, in batches of so many at most.

    A Batch is a sequence of Record (time, data, src, sport, dst, dport, ...) and has their columns
    as memoryviews (times, srcs, sports, hashes, ...), which numpy.asarray() takes without a copy.
    data=False leaves out the packets' bytes. ns=True: the times of a Record are nanoseconds (int)
    instead of seconds (float); a batch's `times` always are. If the capture is damaged, the records
    before the damage come first, then an Error is raised.
    """
    return _cleave.Reader(_path(path), operator.index(batch), bool(data), bool(ns))


# ---- reading results ----

class Flow:
    """A flow of a result: its row of the table of flows as attributes (src, dport, first, ...,
    see cleave-manifest(5); None: it has no such value), and its packets.

    Iterating gives (time, bytes) for each packet, time as a float, seconds since the epoch; None
    for the rare record without a time.
    """
    __slots__ = ('_result', '_row', '_columns')

    def __init__(self, result: 'Result', row: int) -> None:
        self._result = result
        self._row = row
        self._columns: Optional[Tuple[memoryview, ...]] = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith('_'):
            raise AttributeError(name)
        table = self._result._rows()
        column = table.column.get(name)
        if column is None:
            raise AttributeError('the table of flows has no column %r' % name)
        return table.table.value(self._row, column)

    def __dir__(self) -> List[str]:
        return [*super().__dir__(), *self._result.columns]

    def __repr__(self) -> str:
        return '<cleave.Flow %s>' % self.file

    def __eq__(self, other: object) -> bool:
        return (isinstance(other, Flow) and other._result is self._result and
                other._row == self._row)

    def __hash__(self) -> int:
        return hash((id(self._result), self._row))

    def __reduce__(self) -> Tuple[Any, ...]:
        return Flow, (self._result, self._row)

    @property
    def row(self) -> int:
        """The place of its row in the result, from 0: result[flow.row] == flow."""
        return self._row

    @property
    def id(self) -> int:
        """The number of its row in an index's tables."""
        return self._result._ids_of_all()[self._row]

    @property
    def packets(self) -> int:
        return self.src_packets + self.dst_packets

    @property
    def bytes(self) -> int:
        """Of all packets, on the wire."""
        return self.src_wire_bytes + self.dst_wire_bytes

    @property
    def captured_bytes(self) -> int:
        return self.src_captured_bytes + self.dst_captured_bytes

    @property
    def duration(self) -> Optional[int]:
        """Nanoseconds; None where no packet has a time."""
        return None if self.first is None else self.last - self.first

    @property
    def hash(self) -> int:
        """64 bits that depend on the flow's addresses, ports and protocol alone: the same for both
        directions, on every machine and in every version. 0: it has no address."""
        return self._result._rows().hashes()[self._row]

    def as_dict(self) -> Dict[str, Any]:
        """Its row."""
        table = self._result._rows()
        return dict(zip(table.names, table.table.row(self._row)))

    def __iter__(self) -> Iterator[Packet]:
        result = self._result
        return result._handle().packets(result._ids_of_all()[self._row], False)

    def records(self, ns: bool = False) -> Iterator[Packet]:
        """As iterating; ns: times are int, nanoseconds."""
        return self._result._handle().packets(self.id, bool(ns))

    def _column(self, i: int) -> memoryview:
        if self._columns is None:
            self._columns = self._result._handle().columns(self.id)
        return self._columns[i]

    @property
    def times(self) -> memoryview:
        """Of each packet, int64 nanoseconds; the least number: it has none."""
        return self._column(0)

    @property
    def lengths(self) -> memoryview:
        """Of each packet, uint32 bytes on the wire."""
        return self._column(1)

    @property
    def captured_lengths(self) -> memoryview:
        """Of each packet, uint32 bytes that were captured."""
        return self._column(2)

    @property
    def directions(self) -> memoryview:
        """Of each packet, int8: 1, src sent it; -1, dst did; 0: not known."""
        return self._column(3)

    def first_bytes(self, packets: int = 5, header: int = 80, payload: int = 240, *,
                    mask: str = '', link: bool = False) -> memoryview:
        """See Flows.first_bytes(): the matrix of this flow, packets x (header + payload)."""
        out = self._result._first_bytes(_u64([self.id]), packets, header, payload, mask, link, 1,
                                        None, None)
        return out.cast('B').cast('B', (packets, header + payload)) if out.nbytes else out

    def splt(self, packets: int) -> Tuple[memoryview, memoryview]:
        """See Flows.splt(): of this flow, two rows."""
        sizes, times = self._result._splt(_u64([self.id]), packets, 1, None)
        return sizes.cast('B').cast('i'), times.cast('B').cast('q')

    def open(self) -> BinaryIO:
        """The flow as a capture: an open file that dpkt and scapy read, and that is deleted when it
        is closed. Its `name` is a path for programs that need one, such as tshark.
        """
        file = tempfile.NamedTemporaryFile(prefix='cleave-', suffix='.pcap')
        try:
            self._result._extract(_u64([self.id]), None, file.fileno(), False, 0, None)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file  # type: ignore[return-value]

    def save(self, path: Path, *, force: bool = False, mode: int = 0) -> Counts:
        """Saves the flow as a capture, which appears complete or not at all. force: replace an
        existing capture. mode: permissions; 0 stands for 0640, less umask.
        """
        return self._result._extract(_u64([self.id]), path, -1, force, mode, None)


def _are_bools(which: Any, items: List[Any]) -> bool:
    """Whether items, those of which, are a bool for each flow, or missing."""
    if any(not _is_bool(item) and not _is_missing(item) for item in items):
        return False
    # In a column of bools all may be missing.
    return (any(map(_is_bool, items)) or
            getattr(getattr(which, 'dtype', None), 'kind', '') == 'b')


def _places(which: Any, n: int) -> Iterable[int]:
    """Of n bools: a column of a table that was sorted has its rows' places as its index."""
    if type(which).__module__.startswith('pandas.') and hasattr(which, 'index'):
        places: List[Any] = which.index.tolist()
        if all(isinstance(place, int) for place in places) and sorted(places) == list(range(n)):
            return places
    return range(n)


class Flows(Sequence[Flow]):
    """Some flows of a result, in an order.

    [n] is the flow at a place, ['name'] the one whose output has that name. Slices are Flows, too,
    and so is [chosen], of a sequence or an array of places or of flows, or of one bool for each
    flow: result[result.manifest['dport'] == 443]. None, NA and NaN among bools count as False. A
    column of bools whose index has the places 0 to len - 1 in another order, as after sorting the
    manifest, is taken by these.
    """
    _rows_chosen: Optional[Sequence[int]] = None  # None: all
    _set_of_rows: Optional[FrozenSet[int]] = None  # the same, once somebody asks what is among them

    def __init__(self, result: 'Result', rows: Optional[Sequence[int]]) -> None:
        self._of = result
        self._rows_chosen = rows

    @property
    def result(self) -> 'Result':
        """That they belong to."""
        return self._of

    def __len__(self) -> int:
        return len(self._of._ids_of_all() if self._rows_chosen is None else self._rows_chosen)

    @overload
    def __getitem__(self, which: Union[int, str]) -> Flow: ...  # type: ignore[misc]

    @overload
    def __getitem__(self, which: Union[slice, Iterable[Any]]) -> 'Flows': ...

    def __getitem__(self, which: Any) -> Any:
        if isinstance(which, slice):
            return Flows(self._of, self._all_rows()[which])
        if isinstance(which, str):
            row = self._of._rows().named(which)
            if not self._has_row(row):
                raise KeyError(which)
            return Flow(self._of, row)
        if isinstance(which, Iterable) and not isinstance(which, Flow):
            return Flows(self._of, self._rows_at(which))
        return Flow(self._of, self._row_at(which))

    def _row_at(self, which: Any) -> int:
        if isinstance(which, Flow):
            if which._result is not self._of:
                raise ValueError('%r is of another result' % which)
            return which._row
        if _is_bool(which):
            raise TypeError('%r is no place of a flow' % which)
        n, i = len(self), operator.index(which)
        if not -n <= i < n:
            raise IndexError('there are %d flows' % n)
        i += n if i < 0 else 0
        return i if self._rows_chosen is None else self._rows_chosen[i]

    def _rows_at(self, which: Iterable[Any]) -> List[int]:
        if isinstance(which, Flows):
            if which._of is not self._of:
                raise ValueError('%r is of another result' % which)
            return list(which._all_rows())
        # Arrays of NumPy and columns of pandas have numbers of their own.
        items = list(which.tolist() if hasattr(which, 'tolist') else which)
        if not _are_bools(which, items):
            return [self._row_at(item) for item in items]
        if len(items) != len(self):
            raise IndexError('%d bools for %d flows' % (len(items), len(self)))
        chosen = [not _is_missing(item) and bool(item) for item in items]
        return [self._row_at(place) for place in sorted(
            place for place, is_chosen in zip(_places(which, len(items)), chosen) if is_chosen)]

    def __iter__(self) -> Iterator[Flow]:
        for row in self._all_rows():
            yield Flow(self._of, row)

    def __contains__(self, flow: object) -> bool:
        if isinstance(flow, str):
            return self._has_row(self._of._rows().named(flow))
        return isinstance(flow, Flow) and flow._result is self._of and self._has_row(flow._row)

    def __reduce__(self) -> Tuple[Any, ...]:
        rows = self._rows_chosen
        return Flows, (self._of, None if rows is None else list(rows))

    def __repr__(self) -> str:
        return '<cleave.Flows %d of %s>' % (len(self), os.fsdecode(self._of._given[0][0]))

    def _has_row(self, row: Optional[int]) -> bool:
        if row is None or self._rows_chosen is None:
            return row is not None
        if self._set_of_rows is None:
            self._set_of_rows = frozenset(self._rows_chosen)
        return row in self._set_of_rows

    def _all_rows(self) -> Sequence[int]:
        return range(len(self)) if self._rows_chosen is None else self._rows_chosen

    def _ids(self) -> Any:
        """Of the rows, as 64-bit numbers."""
        ids = self._of._ids_of_all()
        return ids if self._rows_chosen is None else _u64([ids[row] for row in self._rows_chosen])

    @property
    def columns(self) -> Tuple[str, ...]:
        """Of the table of flows, in its order (cleave-manifest(5))."""
        return self._of._rows().names

    def find(self, **selection: Any) -> 'Flows':
        """Those of these flows that match all of: flow, host, port, proto, community_id, after,
        before, flows (a file that lists them), where (a condition in SQL on columns, packets,
        bytes, captured_bytes and duration); invert, sort and limit as in cleave-flows(1). Without
        sort, they are in order of appearance.
        """
        among = None if self._rows_chosen is None else self._ids()
        chosen = self._of._handle().choose(_SELECTION.pairs(selection), among)
        return Flows(self._of, self._of._rows_of(chosen))

    def rows(self) -> Iterator[Dict[str, Any]]:
        """The rows of the table, each as a dict. Times are nanoseconds; None: no such value."""
        table = self._of._rows()
        for row in self._all_rows():
            yield dict(zip(table.names, table.table.row(row)))

    @property
    def manifest(self) -> Any:
        """The table as a pandas DataFrame: times as datetime64 in UTC, durations as timedelta64,
        numbers as int64 (Int64 where a flow has none), all else as text; and `hash`, see Flow.hash.
        Needs pandas.
        """
        try:
            import pandas  # type: ignore[import]
        except ImportError as e:
            raise ImportError('manifest needs pandas; rows() gives the same without') from e
        return self._of._rows().frame(pandas, self._rows_chosen)

    @property
    def hashes(self) -> memoryview:
        """Flow.hash of each, as uint64."""
        all_of_them = self._of._rows().hashes()
        if self._rows_chosen is None:
            return all_of_them
        return memoryview(_u64([all_of_them[row] for row in self._rows_chosen]))

    def first_bytes(self, flows: Optional[Iterable[Any]] = None, packets: int = 5,
                    header: int = 80, payload: int = 240, *, mask: str = '', link: bool = False,
                    threads: int = 0, out: Any = None,
                    progress: Optional[Callable[[int], Any]] = None) -> memoryview:
        """The first bytes of each flow's first packets, by several threads: uint8, flows x packets x
        (header + payload), zeros where there is less.

        flows: some of them, as in [chosen]; by default all. header: bytes of the headers of IP and
        of TCP, UDP and the like; with link, from the link layer's header on. payload: bytes of what
        these carry. mask: "ip", "mac", "port", with commas between them: addresses and ports, and
        the checksums that are computed from them, are zeros. threads: 0, as many as there are
        processors. out: a buffer of that many bytes to fill, which is returned. progress: called
        now and then with the number of flows that are done; if it returns False, it stops.
        """
        if flows is None:
            chosen = self
        elif isinstance(flows, Iterable) and not isinstance(flows, (str, Flow)):
            chosen = self[flows]
        else:
            raise TypeError('flows takes a sequence of flows, not %r' % (flows,))
        return self._of._first_bytes(chosen._ids(), packets, header, payload, mask, link, threads,
                                     out, progress)

    def splt(self, packets: int, *, threads: int = 0,
             progress: Optional[Callable[[int], Any]] = None) -> Tuple[memoryview, memoryview]:
        """Sizes and times of each flow's first packets: two matrices, flows x packets.

        sizes: int32, bytes on the wire, negative where dst sent it, 0: there is no such packet.
        times: int64, nanoseconds since the packet before, 0 of the first one; negative where the
        capture's clock went back.
        """
        return self._of._splt(self._ids(), packets, threads, progress)

    def save(self, path: Path, *, force: bool = False, mode: int = 0,
             progress: Optional[Callable[[int, int], Any]] = None) -> Counts:
        """Saves the flows' packets as one capture; if path ends in "/", as one capture per flow in
        a directory, and if it ends in ".zip", in an archive. What has its name is complete. A flow
        that is among them twice is saved once. Of no flows nothing is made, and `rows` is 0.
        """
        chosen = None if self._rows_chosen is None else self._ids()
        return self._of._extract(chosen, path, -1, force, mode, progress)


def _u64(numbers: Sequence[int]) -> Any:
    from array import array
    return array('Q', numbers)


class _Rows:
    """The table of flows in memory."""
    def __init__(self, table: Any) -> None:
        described = table.describe()
        self.table = table
        self.names: Tuple[str, ...] = tuple(name for name, _ in described)
        self.types: Tuple[str, ...] = tuple(kind for _, kind in described)
        self.column: Dict[str, int] = {name: i for i, name in enumerate(self.names)}
        self._by_name: Optional[Dict[str, int]] = None
        self._hashes: Optional[memoryview] = None

    def named(self, name: str) -> Optional[int]:
        if self._by_name is None:
            names = self.table.values(self.column['file'])
            self._by_name = {n: i for i, n in enumerate(names)}
        return self._by_name.get(name)

    def hashes(self) -> memoryview:
        if self._hashes is None:
            self._hashes = self.table.hashes()
        return self._hashes

    def frame(self, pandas: Any, rows: Optional[Sequence[int]]) -> Any:
        import numpy
        columns = {}
        for i, (name, kind) in enumerate(zip(self.names, self.types)):
            if kind == 'text':
                columns[name] = pandas.Series(self.table.values(i), dtype=object)
                continue
            numbers, has = self.table.numbers(i)
            values = numpy.array(numbers)
            lacks = None if has is None else ~numpy.asarray(has)
            if kind in ('time', 'span'):
                times = values.view('datetime64[ns]' if kind == 'time' else 'timedelta64[ns]')
                if lacks is not None:
                    times[lacks] = 'NaT'
                column = pandas.Series(times)
                columns[name] = column.dt.tz_localize('UTC') if kind == 'time' else column
            elif lacks is None:
                columns[name] = pandas.Series(values)
            else:
                columns[name] = pandas.Series(pandas.arrays.IntegerArray(values, lacks))
        columns['hash'] = pandas.Series(numpy.array(self.hashes()))
        frame = pandas.DataFrame(columns)
        return frame if rows is None else frame.iloc[list(rows)].reset_index(drop=True)


class Result(Flows):
    """The flows of a result, see open(). It is a context manager. It can be pickled, and used after
    a fork: the other process opens it again.
    """
    def __init__(self, paths: Tuple[bytes, ...], captures: Tuple[bytes, ...],
                 options: Optional[Pairs], progress: Progress = None) -> None:
        # Of itself it has no reference: it is closed when nobody has one.
        self._given = (paths, captures, options)
        # Who opens it again may be in another directory.
        self._again = (tuple(os.path.abspath(p) for p in paths),
                       tuple(os.path.abspath(p) for p in captures),
                       options)
        self._closed = False
        self._lock = threading.RLock()
        self._table: Optional[_Rows] = None
        self._all_ids: Optional[memoryview] = None
        self._open: Any = _cleave.Handle(paths, captures, options, _reported(progress))
        self._forks = _forks

    @property
    def _of(self) -> 'Result':  # type: ignore[override]
        return self

    def _handle(self) -> Any:
        """What is open, in this process."""
        if self._forks != _forks:
            self._after_fork()
        return self._open

    def _after_fork(self) -> None:
        """Databases are not shared between processes. What the other one has is left as it is."""
        if self._closed:
            return
        _inherited.append(self._open)
        self._lock = threading.RLock()
        self._open = _cleave.Handle(*self._again, None)
        self._forks = _forks

    def _ids_of_all(self) -> memoryview:
        """Of all rows, in their order: what reading flows needs, without their table."""
        ids = self._all_ids
        if ids is None:
            ids = self._all_ids = self._handle().choose((), None)
        return ids

    def _rows_of(self, chosen: memoryview) -> List[int]:
        """Ids are numbers from 1 on, as far as cleave makes them."""
        ids = self._ids_of_all()
        n = len(ids)
        if n and ids[0] == 1 and ids[n - 1] == n:
            return [i - 1 for i in chosen]
        places = {identity: row for row, identity in enumerate(ids)}
        return [places[i] for i in chosen]

    def _rows(self) -> _Rows:
        table = self._table
        if table is None:
            with self._lock:
                if self._table is None:
                    self._table = _Rows(self._handle().table())
                table = self._table
        return table

    def _first_bytes(self, ids: Any, packets: int, header: int, payload: int, mask: str,
                     link: bool, threads: int, out: Any, progress: Any) -> Any:
        bits = 0
        if not isinstance(mask, str):
            raise TypeError('mask takes a str, not %r' % (mask,))
        for word in mask.split(',') if mask else ():
            if word.strip() not in _MASKS:
                raise ValueError('mask: %r is none of ip, mac, port' % word)
            bits |= _MASKS[word.strip()]
        return self._handle().first_bytes(
            ids, _u32('packets', packets), _u32('header', header), _u32('payload', payload), bits,
            _is_true('link', link), _u32('threads', threads), out, _function(progress))

    def _splt(self, ids: Any, packets: int, threads: int, progress: Any) -> Any:
        return self._handle().first_sizes(ids, _u32('packets', packets), _u32('threads', threads),
                                          _function(progress))

    def _extract(self, ids: Any, path: Optional[Path], fd: int, force: bool, mode: int,
                 progress: Any) -> Counts:
        return Counts(self._handle().extract(
            (), ids, None if path is None else _path(path), fd, _is_true('force', force),
            _u32('mode', mode), _function(progress)))

    @property
    def path(self) -> str:
        """Of the result, or of its first capture."""
        return os.fsdecode(self._given[0][0])

    @property
    def kind(self) -> str:
        """"captures", "index", "directory", "archive", or "manifest": rows alone."""
        return self._handle().kind()

    @property
    def damage(self) -> Optional[Error]:
        """What was damaged in the captures when they were read; None: nothing, or not known."""
        return self._handle().damage()

    def totals(self, **selection: Any) -> Counts:
        """What flows come to: rows, flows, packets, captured_bytes, bytes (on the wire), first and
        last. See find() for the selection, of which sort and limit do not count.
        """
        return Counts(self._handle().totals(_SELECTION.pairs(selection)))

    def close(self) -> None:
        """Closes it. Iterators over packets that have begun go on; all else raises ValueError."""
        self._closed = True
        self._handle().close()

    def __enter__(self) -> 'Result':
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def __reduce__(self) -> Tuple[Any, ...]:
        return _reopen, self._again

    def __repr__(self) -> str:
        return '<cleave.Result %s>' % self.path


_forks = 0  # that led to this process


def _forked() -> None:
    global _forks
    _forks += 1


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_forked)

_inherited: List[Any] = []  # of a process that was forked: never closed
_opened: Dict[Any, Result] = {}  # by _reopen(), those that were asked for last
_OPENED_MAX = 4


def _reopen(paths: Tuple[bytes, ...], captures: Tuple[bytes, ...],
            options: Optional[Pairs]) -> Result:
    """Who unpickles many flows of a result, one by one, opens it once."""
    def identity(path: bytes) -> Any:
        try:
            st = os.stat(path)
        except OSError:
            return None
        return st.st_dev, st.st_ino, st.st_size, st.st_mtime_ns

    key = (_forks, paths, captures, options, tuple(map(identity, paths + captures)))
    found = _opened.get(key)
    if found is None or found._closed:
        found = Result(paths, captures, options)
        while len(_opened) >= _OPENED_MAX:
            _opened.pop(next(iter(_opened)), None)
        _opened[key] = found
    return found


def _u32(name: str, value: Any) -> int:
    if _is_bool(value):
        raise TypeError('%s takes a number, not %r' % (name, value))
    n = operator.index(value)
    if not 0 <= n < 2**32:
        raise ValueError('%s must be from 0 to 2**32 - 1, not %d' % (name, n))
    return n


def open(path: Paths, *, captures: Paths = (), progress: Progress = None,
         **options: Any) -> Result:
    """Opens an index, a directory or an archive that split() made, what gather() made, or captures.
    The manifest.db of a directory stands for the directory; a copy elsewhere has rows but no
    packets.

    captures: where the captures of an index are now. options: how flows of captures are made, as
    for split(); captures are read at once, so opening them takes longer than opening an index.
    progress: as for split(). In captures that are compressed or merged, each flow is found by
    reading from the beginning; first_bytes() and splt() read them once for all flows.
    """
    pairs = _SPLIT.pairs(options) if options else None
    return Result(_paths(path), _paths(captures), pairs, progress)
