# SPDX-License-Identifier: BSD-2-Clause
"""Properties of cleave gather: several results become the one that a single run makes.

Captures with connections, fragments, and damage that cross the borders of files are sharded by host
pair in groups, the shards are split, and these parts are gathered. The union is, file for file and
byte for byte, what one split of all captures makes, but for numbers. cleave verify proves it against
the captures, and finds what was altered. A part that is missing, twice there, damaged, or of other
options is refused by name, and whatever ends a run leaves nothing under the result's name.
"""
import csv
import gzip
import json
import os
import random
import shutil
import subprocess
import sys
import time
import zipfile
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
from harness import check, check_equal

try:
    import sqlite3
except ImportError:
    sqlite3 = None

SHARDS = 3
MIX = ('--fragments', '30', '--udp', '40', '--ipv6', '20', '--vlan', '20', '--other', '3')

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


class Way(NamedTuple):
    """How captures are sharded, and the shards split."""
    both: Tuple[str, ...] = ()  # flags of both, and of the single run
    map: Tuple[str, ...] = ()
    reduce: Tuple[str, ...] = ()  # and of the single run
    key: str = 'hostpair'
    ending: str = ''  # of parts


class Made(NamedTuple):
    captures: List[str]
    maps: List[str]
    parts: List[str]


def captures_of(form: str, n: int = 8, flows: int = 60, more: Sequence[str] = ()) -> List[str]:
    """Captures that begin where the one before them ends, in the middle of whatever goes on."""
    ending = 'pcapng' if form == 'pcapng' else 'pcap'
    whole, folder = suite.path('whole.' + ending), suite.path('captures-' + form)
    suite.run_cleave('generate', 'traffic', '-q', '--flows', str(flows), '--packets', str(40 * flows),
                     *MIX, '--format', form, '--seed', str(suite.seed % 1000), *more, '-o', whole,
                     '--force')
    suite.run_cleave('split', whole, '-q', '--every', '%dp' % (-(-40 * flows // n)), '--name',
                     'c{part:3}.' + ending, '-o', folder, '--force')
    return sorted(os.path.join(folder, name) for name in os.listdir(folder) if name[0] == 'c' and
                  name != 'cleave.json')


def split_maps(captures: Sequence[str], way: Way, groups: int, status: int) -> List[str]:
    maps = []
    for i in range(groups):
        some = captures[i * len(captures) // groups:(i + 1) * len(captures) // groups]
        maps.append(suite.path('map-%d.zip' % i))
        suite.run_cleave('split', '-q', *some, '--shards', str(SHARDS), '--shard-by', way.key,
                         *way.both, *way.map, '-o', maps[-1], '--force', status=None if status else 0)
    return maps


def split_parts(maps: Sequence[str], way: Way, command: str = 'split') -> List[str]:
    parts = []
    for shard in ['shard_%03d' % i for i in range(SHARDS)] + ['other']:
        if any(name.startswith(shard) for m in maps for name in zipfile.ZipFile(m).namelist()):
            parts.append(suite.path('part-' + shard + way.ending))
            suite.run_cleave(command, '-q', *maps, '--member', shard + '[.-]*' if shard != 'other'
                             else 'other*', *way.both, *way.reduce, '-o', parts[-1], '--force')
    return parts


def made_of(captures: List[str], way: Way, groups: int = 3, status: int = 0) -> Made:
    """status: of the single run, into suite.path('one')."""
    suite.run_cleave('split', '-q', *captures, *way.both, *way.reduce, '-o', suite.path('one'),
                     '--force', status=status)
    maps = split_maps(captures, way, groups, status)
    return Made(captures, maps, split_parts(maps, way))


def without_number(name: str) -> str:
    base = os.path.basename(name).split('.zip:')[-1]
    return base.split('_', 1)[1] if base[:8].isdigit() else base


def union_of(top: str) -> Dict[str, List[bytes]]:
    """All outputs by their names without numbers."""
    found: Dict[str, List[bytes]] = {}
    files = dict(harness.files_of(top))
    for archive in [name for name in files if name.endswith('.zip')]:
        with zipfile.ZipFile(os.path.join(top, archive)) as z:
            files.update({os.path.join(archive, name): z.read(name) for name in z.namelist()})
        del files[archive]
    for name, data in files.items():
        if not name.endswith('/') and os.path.basename(name) != 'cleave.json' and \
                not os.path.basename(name).startswith('manifest.'):
            found.setdefault(without_number(name), []).append(data)
    return {name: sorted(all_of) for name, all_of in found.items()}


def gather(made: Made, *flags: str, status: int = 0, to: str = 'all',
           results: Sequence[str] = ()) -> subprocess.CompletedProcess:
    return suite.run_cleave('gather', *(results or made.maps + made.parts), '-o', suite.path(to),
                            *flags, status=status)


def rows_of(top: str) -> List[Dict[str, str]]:
    if os.path.exists(os.path.join(top, 'manifest.csv')):
        with open(os.path.join(top, 'manifest.csv'), encoding='utf-8', newline='') as f:
            return list(csv.DictReader(f))
    with open(os.path.join(top, 'manifest.jsonl'), encoding='utf-8') as f:
        return [json.loads(line) for line in f]


def same_as_one(status: int = 0) -> None:
    """The gathered result against the single run's: outputs, rows, counts; and verify's word."""
    one, whole = union_of(suite.path('one')), union_of(suite.path('all'))
    check_equal(sorted(whole), sorted(one), 'names of outputs')
    for name, data in one.items():
        check(whole[name] == data, '%s is another', name)
    rows = [rows_of(suite.path(top)) for top in ('one', 'all')]
    for some in rows:
        for row in some:
            row['file'] = without_number(row['file'])
            row.pop('flow', None)
            row.pop('output', None)
    check_equal(*(sorted(some, key=repr) for some in rows), 'rows of the manifest')
    said = []
    for top in 'one', 'all':
        with open(suite.path(top, 'cleave.json'), encoding='utf-8') as f:
            said.append(json.load(f))
    parts = said[1].pop('gathered')
    check_equal(sum(p['outputs'] for p in parts), said[1]['outputs'], 'outputs of the parts')
    del said[0]['dropped_blocks']
    check_equal(said[1], said[0], 'what cleave.json says')
    rows_all = [row for row in rows_of(suite.path('all')) if row.get('flow')]
    numbers = [int(row.get('output', row['flow'])) for row in rows_all]
    check_equal(numbers, list(range(1, len(numbers) + 1)), 'numbers of outputs')
    for row, number in zip(rows_all, numbers):
        check_equal(int(row['flow']) == number, row.get('part', 1) in (1, '1'), 'a first part')
    verify(0)
    check_equal(status, bool(said[1]['damage']), 'the status says that a capture is damaged')


def verify(status: int, *captures: str) -> bytes:
    return suite.run_cleave('verify', suite.path('all'), *captures, status=status).stderr


WAYS: Dict[str, Tuple[str, Way]] = {
    'pcap': ('pcap', Way()),
    'pcapng': ('pcapng', Way(reduce=('--manifest', 'jsonl'))),
    'to-pcapng': ('pcap-ns', Way(both=('--format', 'pcapng'))),
    'to-pcap': ('pcapng', Way(reduce=('--format', 'pcap', '--compress', 'zstd'))),
    'connections': ('pcap', Way(both=('--merge',), reduce=('--by', 'connection'))),
    'merged-pcapng': ('pcapng', Way(both=('--merge',), reduce=('--idle-timeout', '2ms'))),
    'keys': ('pcap', Way(reduce=('--by', 'ip,proto,port,vlan,mac', '--snaplen', '80'),
                         key='ip,vlan,mac')),
    'filtered': ('pcap', Way(reduce=('--proto', 'tcp', '--max-packets-per-flow', '5', '--no-other',
                                     '--min-packets', '3'))),
    'archives': ('pcap', Way(ending='.zip')),
    'packed-archives': ('pcapng', Way(both=('--merge',), reduce=(
        '--compress', 'gzip', '--manifest', 'jsonl', '--by', 'connection'), ending='.zip')),
    'names': ('pcap', Way(reduce=('--name', '{proto}/{key}.pcap', '--directed'))),
}


def as_one(form: str, way: Way) -> Callable[[], None]:
    def case() -> None:
        gather(made_of(captures_of(form), way))
        same_as_one()
    return case


def damaged() -> None:
    """One capture ends within a record, one cannot be read, one is empty."""
    captures = captures_of('pcap')
    os.truncate(captures[2], os.path.getsize(captures[2]) - 7)
    with open(captures[4], 'wb') as f:
        f.write(b'no capture at all')
    os.truncate(captures[6], 0)
    gather(made_of(captures, Way(both=('--skip-bad',)), status=1), status=1)
    same_as_one(1)


def apart() -> None:
    """Results of captures that have no flow in common need no shards."""
    for half, seed in enumerate((1, 2)):
        suite.run_cleave('generate', 'traffic', '-q', '--flows', '30', '--packets', '500', '--seed',
                         str(seed), '-o', suite.path('%d.pcap' % half))
        suite.run_cleave('split', '-q', suite.path('%d.pcap' % half), '-o',
                         suite.path('half%d' % half))
    suite.run_cleave('split', '-q', suite.path('0.pcap'), suite.path('1.pcap'), '-o',
                     suite.path('one'))
    gather(Made([], [], [suite.path('half0'), suite.path('half1')]))
    same_as_one()


def refusals() -> None:
    """What is wrong with a part is said, with its name; nothing is made."""
    made = made_of(captures_of('pcap', 4, 30), Way(), 2)
    maps, parts = made.maps, made.parts
    first = rows_of(parts[0])[0]['file']

    def refused(results: Sequence[str], *words: str) -> None:
        said = gather(made, status=2, results=results).stderr.decode()
        for word in words:
            check(word in said, '%r is not in: %s', word, said)
        left = [n for n in os.listdir(suite.dir) if n == 'all' or n.startswith('.all')]
        check(not left, 'is there: %s', left)

    def altered(part: str, alter: Callable[[str], None], *words: str) -> None:
        copy = suite.path('copy', os.path.basename(part))
        shutil.rmtree(suite.path('copy'), ignore_errors=True)
        shutil.copytree(part, copy)
        alter(copy)
        refused(maps + [copy if p == part else p for p in parts], *words)

    def edit(name: str, old: str, new: str) -> Callable[[str], None]:
        def alter(top: str) -> None:
            with open(os.path.join(top, name), encoding='utf-8', newline='') as f:
                text = f.read()
            check(old in text, '%s has no %s', name, old)
            with open(os.path.join(top, name), 'w', encoding='utf-8', newline='') as f:
                f.write(text.replace(old, new, 1))
        return alter

    refused(maps + parts[:-1], 'is in no part')
    refused(maps[:1] + parts, 'but the maps have')
    refused(maps + parts[:1] + [suite.path('nowhere')], 'nowhere')
    refused(maps + parts + parts[:1], 'has the same name as another part')
    shutil.copytree(parts[0], suite.path('again'))
    refused(maps + parts + [suite.path('again')], 'again', 'also in', 'part-shard_000')
    refused(parts + [suite.path('again')], 'again', 'also in', 'part-shard_000')
    refused(maps, 'contains shards, which are not parts')
    suite.run_cleave('split', '-q', *maps, '--member', 'shard_000*', '--by', 'connection', '-o',
                     suite.path('others'))
    refused(maps + parts[1:] + [suite.path('others')], 'others', 'options.by is "connection"')
    altered(parts[0], lambda top: os.unlink(os.path.join(top, first)), first, 'cannot be examined')
    altered(parts[0], lambda top: os.truncate(os.path.join(top, first), 100), 'bytes of outputs')
    altered(parts[0], lambda top: os.unlink(os.path.join(top, 'cleave.json')), 'cleave.json')
    altered(parts[1], edit('cleave.json', '"records_read": ', '"records_read": 1'), parts[1][-9:],
            'records written or dropped')
    altered(parts[1], edit('cleave.json', '"flows": ', '"flows": 1'), parts[1][-9:], 'flows')
    altered(parts[0], edit('manifest.csv', ',1,', ',2,'), 'the wrong number')
    altered(parts[0], edit('manifest.csv', first, '../' + first), 'no name of an output')
    altered(parts[0], edit('manifest.csv', first, '/etc/passwd'), 'no name of an output')
    altered(parts[0], edit('manifest.csv', 'src_packets', 'packets'), 'unknown column')

    def link(top: str) -> None:
        os.unlink(os.path.join(top, first))
        os.symlink('/etc/passwd', os.path.join(top, first))
    altered(parts[0], link, first, 'is not a regular file')


def found() -> None:
    """cleave verify sees each change of a gathered result."""
    made = made_of(captures_of('pcap', 4, 30), Way(), 2)
    gather(made)
    rows = rows_of(suite.path('all'))
    saved = suite.path('saved')
    shutil.copytree(suite.path('all'), saved)

    def altered(alter: Callable[[str], None], *words: str) -> None:
        shutil.rmtree(suite.path('all'))
        shutil.copytree(saved, suite.path('all'))
        alter(suite.path('all'))
        said = verify(1).decode()
        for word in words:
            check(word in said, '%r is not in: %s', word, said)

    def swap_files(top: str) -> None:
        a, b = (os.path.join(top, row['file']) for row in rows[:2])
        os.rename(a, a + '.x')
        os.rename(b, a)
        os.rename(a + '.x', b)

    def flip(top: str) -> None:
        with open(os.path.join(top, rows[0]['file']), 'r+b') as f:
            f.seek(-1, os.SEEK_END)
            last = f.read(1)[0]
            f.seek(-1, os.SEEK_END)
            f.write(bytes([last ^ 1]))

    def lines(change: Callable[[List[str]], List[str]]) -> Callable[[str], None]:
        def alter(top: str) -> None:
            with open(os.path.join(top, 'manifest.csv'), encoding='utf-8', newline='') as f:
                all_lines = f.readlines()
            with open(os.path.join(top, 'manifest.csv'), 'w', encoding='utf-8', newline='') as f:
                f.writelines(change(all_lines))
        return alter

    def receipt(change: Callable[[dict], None]) -> Callable[[str], None]:
        def alter(top: str) -> None:
            with open(os.path.join(top, 'cleave.json'), encoding='utf-8') as f:
                said = json.load(f)
            change(said)
            with open(os.path.join(top, 'cleave.json'), 'w', encoding='utf-8') as f:
                json.dump(said, f)
        return alter

    altered(lambda top: os.unlink(os.path.join(top, rows[0]['file'])), rows[0]['file'], 'is missing')
    altered(flip, rows[0]['file'])
    altered(swap_files, rows[0]['file'], rows[1]['file'])
    altered(lambda top: shutil.copy(os.path.join(top, rows[0]['file']),
                                    os.path.join(top, 'part-other', 'more.pcap')),
            'more.pcap: is not an output of the run')
    altered(lines(lambda all_of: all_of[:-1]), 'is not the last one', 'is not an output of the run')
    altered(lines(lambda all_of: all_of + all_of[-1:]), "is another one's")
    altered(lines(lambda all_of: all_of[:1] + all_of[2:3] + all_of[1:2] + all_of[3:]),
            'another number than it should')
    altered(lines(lambda all_of: [all_of[0], all_of[1].replace(',198.', ',199.')] + all_of[2:]
                  if ',198.' in all_of[1] else
                  [all_of[0], all_of[1].replace(',2001:', ',2002:')] + all_of[2:]),
            'belongs to no output of these captures', 'has no row with')
    altered(lines(lambda all_of: [all_of[0].replace('proto', 'protocol')] + all_of[1:]),
            'names the wrong columns')
    altered(lines(lambda all_of: all_of[:2] + ['x\n']), 'is not one that cleave writes')
    altered(lines(lambda all_of: [line.replace('part-shard_001/', 'part-shard_000/')
                                  for line in all_of]), "is not where the part's rows should be")
    altered(receipt(lambda said: said['gathered'].pop()), 'is not where the part')
    altered(receipt(lambda said: said.update(flows=said['flows'] + 1)), 'flows is')
    altered(receipt(lambda said: said['inputs'][0].update(records=1)), 'inputs.1.records is 1')
    with open(made.captures[1], 'r+b') as f:
        f.seek(-1, os.SEEK_END)
        f.write(b'\xaa')
    shutil.rmtree(suite.path('all'))
    shutil.copytree(saved, suite.path('all'))
    verify(1)


def found_in_archives() -> None:
    """The same of parts that are archives."""
    made = made_of(captures_of('pcap', 4, 30), Way(ending='.zip'), 2)
    gather(made, '--force')
    verify(0)
    first = suite.path('all', os.path.basename(made.parts[0]))
    with open(first, 'rb') as f:
        data = f.read()
    with zipfile.ZipFile(first) as z:
        members = z.infolist()
    rng = suite.random('found-in-archives')
    at = [members[0].header_offset + 60 + len(members[0].filename), members[-1].header_offset + 4,
          len(data) - 30] + [rng.randrange(len(data)) for _ in range(harness.times(20))]

    def altered(now: bytes) -> None:
        os.unlink(first)  # it is the part, too
        with open(first, 'wb') as f:
            f.write(now)
        done = suite.run_cleave('verify', suite.path('all'), '-q', status=None)
        check(done.returncode in (1, 2) and done.stderr, 'not found: %s', done)

    for byte in at:
        altered(data[:byte] + bytes([data[byte] ^ 0x40]) + data[byte + 1:])
    altered(data + b'x')
    altered(data[:-1])
    os.unlink(first)
    check(b'is missing' in verify(1), 'an archive is missing')
    with open(first, 'wb') as f:
        f.write(data)
    verify(0)
    shutil.copy(first, suite.path('all', 'more.zip'))
    check(b'more.zip: is not an output of the run' in verify(1), 'an archive that is no part')
    os.unlink(suite.path('all', 'more.zip'))
    gather(made, '--force', '--move')
    check(not any(os.path.exists(part) for part in made.parts), 'a part is left')
    same_as_one()


def found_in_parts() -> None:
    """A part of a flow that says it is one of another."""
    made = made_of(captures_of('pcap', 4, 30), Way(reduce=('--every', '10p', '--by', 'flow')), 2)
    gather(made)
    with open(suite.path('all', 'manifest.csv'), encoding='utf-8', newline='') as f:
        lines = f.readlines()
    at = next(i for i, row in enumerate(rows_of(suite.path('all'))) if row['part'] == '2') + 1
    flow = lines[at].split(',')[1]
    lines[at] = lines[at].replace(',%s,' % flow, ',%d,' % (1 if flow != '1' else 2), 1)
    with open(suite.path('all', 'manifest.csv'), 'w', encoding='utf-8', newline='') as f:
        f.writelines(lines)
    check(b'is part of flow %s, and says' % flow.encode() in verify(1), 'not found')


def killed_at_any_moment(made: Made, to: str, is_whole: Callable[[], None]) -> None:
    rng = suite.random('killed')
    for _ in range(harness.times(24)):
        with subprocess.Popen([suite.cleave, 'gather', *made.maps, *made.parts, '-o', suite.path(to),
                               '-q']) as run:
            time.sleep(rng.random() * 0.02)
            run.kill()
        if os.path.exists(suite.path(to)):
            is_whole()
            (shutil.rmtree if os.path.isdir(suite.path(to)) else os.unlink)(suite.path(to))
    gather(made, '--clean', to=to)
    is_whole()
    check(not [n for n in os.listdir(suite.dir) if n.startswith('.all')], 'what was killed is left')


def killed() -> None:
    """At whatever moment: the result is not there, or whole; the parts are, and it can be done."""
    made = made_of(captures_of('pcap', 4, 30), Way(reduce=('--by', 'connection')), 2)
    killed_at_any_moment(made, 'all', same_as_one)


def moved() -> None:
    """--move leaves no part, and each output where it was, as a file; without it parts stay."""
    made = made_of(captures_of('pcap', 4, 30), Way(), 2)
    gather(made)
    inodes = {os.stat(suite.path('all', row['file'])).st_ino for row in rows_of(suite.path('all'))}
    again = harness.tree_digest(suite.path('all'))
    gather(made, '--force', '--move')
    check_equal(harness.tree_digest(suite.path('all')), again, 'gathered once more')
    check_equal({os.stat(suite.path('all', row['file'])).st_ino
                 for row in rows_of(suite.path('all'))}, inodes, 'the files')
    check(not any(os.path.exists(part) for part in made.parts), 'a part is left')
    same_as_one()


def read() -> None:
    """flows, extract and mount take it as any other."""
    for ending in '', '.zip':
        gather(made_of(captures_of('pcap', 4, 30), Way(ending=ending), 2), '--force')
        read_as_one()


def read_as_one() -> None:
    flows = [suite.run_cleave('flows', suite.path(top), '--csv', '--where', 'proto = \'tcp\'').stdout
             for top in ('one', 'all')]
    texts = [sorted(line.split(b',', 2)[2] for line in text.splitlines()) for text in flows]
    check_equal(texts[1], texts[0], 'flows that were chosen')
    for top in 'one', 'all':
        suite.run_cleave('extract', suite.path(top), '--proto', 'udp', '-qf', '-o',
                         suite.path(top + '.pcap'))
    check_equal(*(sorted((p.ts_ns, p.data) for p in pf.read(suite.path(top + '.pcap')).records)
                  for top in ('one', 'all')), 'records that were taken out')


# ---- indexes ----


def needs_indexes() -> None:
    said = suite.run_cleave('--version').stdout
    if sqlite3 is None or any(word in said for word in (b'no SQLite', b'no zlib')):
        raise harness.Skip('this build, or Python, has no SQLite or no zlib')


class Tables(NamedTuple):
    """What an index says; positions and kinds as what they stand for."""
    rows: List[Dict[str, object]]
    captures: List[Tuple[object, ...]]
    blocks: List[Tuple[object, ...]]
    columns: List[str]
    said: Dict[str, object]


def tables_of(path: str) -> Tables:
    with sqlite3.connect(f'file:{path}?mode=ro', uri=True) as db:
        db.row_factory = sqlite3.Row
        captures = db.execute('SELECT * FROM captures ORDER BY id').fetchall()
        kinds = {row['id']: tuple(row)[1:] for row in db.execute('SELECT * FROM kinds')}
        blocks = db.execute('SELECT * FROM blocks ORDER BY id').fetchall()
        rows = [dict(row) for row in db.execute('SELECT * FROM outputs ORDER BY id')]
        said = dict(db.execute('SELECT key, value FROM cleave').fetchall())
        check_equal(db.execute('PRAGMA integrity_check').fetchone()[0], 'ok', 'the database')

    def place(position: int) -> Tuple[int, int]:
        at = max(i for i, row in enumerate(captures) if row['position'] <= position)
        return at, position - captures[at]['position']

    def places(blob: bytes) -> List[Tuple[int, int]]:
        found, position, distance, shift = [], 0, 0, 0
        for byte in blob:
            distance |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                position += distance
                found.append(place(position))
                distance = shift = 0
        return found
    for row in rows:
        row['positions'] = places(row['positions'])
        row['kind'] = kinds[row['kind']]
    return Tables(rows, [(r['id'], r['path'], r['bytes'], r['digest'], r['records']) for r in captures],
                  [(*place(r['position']), r['block'], r['rest']) for r in blocks],
                  json.loads(said['columns']), json.loads(said['receipt']))


def same_index(exact: bool, each: bool = True) -> None:
    """all.db against one.db, the index of all captures. exact: parts follow one another as their
    captures do, so that it is the same but for names; else rows are in another order. each: flows
    can be extracted one by one."""
    one, whole = (tables_of(suite.path(name)) for name in ('one.db', 'all.db'))
    check_equal(whole.columns, one.columns, 'columns')
    check_equal([row['id'] for row in whole.rows], list(range(1, len(one.rows) + 1)), 'ids')
    parts = whole.said.pop('gathered')
    check_equal(sum(p['outputs'] for p in parts), len(one.rows), 'outputs of the parts')
    del one.said['dropped_blocks']
    check_equal(whole.said, one.said, 'the receipt')
    for row in one.rows + whole.rows:
        if not exact:
            row.update({'id': 0, 'flow': row['flow'] is not None, 'output': 0, 'positions': 0})
        row['file'] = without_number(row['file'])
    order = (lambda row: row['id']) if exact else repr
    for had, has in zip(sorted(one.rows, key=order), sorted(whole.rows, key=order)):
        check_equal(has, had, 'a row')
    if exact:
        check_equal(whole.captures, one.captures, 'captures')
        check_equal(whole.blocks, one.blocks, 'blocks')
    if not each:
        taken = [suite.run_cleave('extract', suite.path(top), '-q', '-o', '-').stdout
                 for top in ('one.db', 'all.db')]
        check(taken[1] == taken[0], 'other records are taken out')
        return
    for top in 'one', 'all':
        shutil.rmtree(suite.path(top), ignore_errors=True)
        suite.run_cleave('extract', suite.path(top + '.db'), '-q', '-o', suite.path(top) + '/')
    had, has = union_of(suite.path('one')), union_of(suite.path('all'))
    check_equal(sorted(has), sorted(had), 'names of outputs')
    for name, data in had.items():
        check(has[name] == data, '%s is another', name)


def generated(name: str, form: str, seed: int, *more: str) -> str:
    path = suite.path(name)
    suite.run_cleave('generate', 'traffic', '-q', '--flows', '30', '--packets', '400', '--format', form,
                     '--seed', str(seed), *more, '-o', path, '--force')
    return path


def apart_captures(form: str) -> List[List[str]]:
    """Of each of two parts; the last one of the first part is compressed, and packets without a
    flow are in the first part alone."""
    packed = generated('b', form, 2)
    with open(packed, 'rb') as f, gzip.open(packed + '.gz', 'wb') as to:
        to.write(f.read())
    return [[generated('a', form, 1, '--other', '3', '--vlan', '20'), packed + '.gz'],
            [generated('c', form, 3), generated('d', form, 4)]]


def without_links(path: str) -> str:
    """The same packets without Ethernet's headers."""
    raw = path + '.raw'
    with open(raw, 'wb') as f:
        f.write(pf.Capture(pf.Format(linktype=pf.LINK_RAW), [
            pf.Packet(r.data[14:], r.ts_ns, r.origlen - 14) for r in pf.read(path).records]).encode())
    return raw


def index_apart(groups: Sequence[Sequence[str]], *flags: str, each: bool) -> None:
    parts = []
    for i, captures in enumerate(groups):
        parts.append(suite.path('part%d.flows.db' % i))
        suite.run_cleave('index', '-q', *captures, *flags, '-o', parts[-1], '--force')
    suite.run_cleave('index', '-q', *sum(map(list, groups), []), *flags, '-o', suite.path('one.db'),
                     '--force')
    gather(Made([], [], parts), '--force', to='all.db')
    same_index(True, each)


def indexes() -> None:
    """Of captures that have no flow in common: what one index of all of them is."""
    needs_indexes()
    for form, flags in (('pcap', ()), ('pcapng', ('--by', 'connection', '--idle-timeout', '2ms')),
                        ('pcap-ns', ('--format', 'pcapng', '--name', '{proto}/{key}.pcapng'))):
        index_apart(apart_captures(form), *flags, each=False)
    plain = [generated('plain%d' % seed, 'pcap', seed) for seed in range(4)]
    index_apart([[plain[0], without_links(plain[1])], [without_links(plain[2]), plain[3]]], each=True)


def indexes_of_shards() -> None:
    """Shards of all captures are indexed; the index is that of the captures, whose records lie in
    the shards. Read as any other."""
    needs_indexes()
    for form, way in (('pcap', Way()), ('pcapng', Way(reduce=('--by', 'connection', '--snaplen', '70')))):
        captures = captures_of(form, 4, 30)
        maps = split_maps(captures, way, 2, 0)
        made = Made(captures, maps, split_parts(maps, way._replace(ending='.db'), 'index'))
        suite.run_cleave('index', '-q', *captures, *way.reduce, '-o', suite.path('one.db'), '--force')
        gather(made, '--force', to='all.db')
        same_index(False)
    text = suite.run_cleave('flows', suite.path('all.db'), '--csv').stdout.decode()
    check_equal([row['flow'] for row in csv.DictReader(text.splitlines()) if row['part'] == '1'][:1],
                ['1'], 'numbers')
    gather(made, '--force', '--move', to='all.db')
    check(not any(os.path.exists(part) for part in made.parts), 'a part is left')


def killed_indexes() -> None:
    needs_indexes()
    captures = captures_of('pcap', 4, 30)
    maps = split_maps(captures, Way(), 2, 0)
    suite.run_cleave('index', '-q', *captures, '-o', suite.path('one.db'))
    killed_at_any_moment(Made(captures, maps, split_parts(maps, Way(ending='.db'), 'index')), 'all.db',
                         lambda: same_index(False))


def mutated(data: bytes, rng: random.Random) -> bytes:
    at, n = rng.randrange(len(data)), rng.choice((1, 1, 2, 8, 100))
    new = bytes(rng.choice((0, 0xff, 0x80, rng.randrange(256))) for _ in range(n))
    return data[:at] + new + data[at + n:]


def hostile_indexes() -> None:
    """Whatever bytes of a part are others: it is refused, or what it becomes can be opened."""
    needs_indexes()
    groups, parts = apart_captures('pcap'), []
    for i, captures in enumerate(groups):
        parts.append(suite.path('part%d.db' % i))
        suite.run_cleave('index', '-q', *captures, '-o', parts[-1])
    with open(parts[1], 'rb') as f:
        data = f.read()
    rng = suite.random('hostile-indexes')
    for _ in range(harness.times(60)):
        with open(parts[1], 'wb') as f:
            f.write(mutated(data, rng))
        done = suite.run_cleave('gather', *parts, '-q', '--force', '-o', suite.path('all.db'), status=None)
        check(done.returncode in (0, 2) and bool(done.stderr) == (done.returncode == 2), '%s', done)
        if done.returncode == 0:
            suite.run_cleave('extract', suite.path('all.db'), '-q', '-o', suite.path('x.pcap'), '-f',
                             status=None)
            suite.run_cleave('flows', suite.path('all.db'), '--csv')


cases: Dict[str, Callable[[], None]] = {
    **{'as-one-' + name: as_one(*what) for name, what in WAYS.items()},
    'damaged': damaged,
    'apart': apart,
    'refusals': refusals,
    'found': found,
    'found-in-archives': found_in_archives,
    'found-in-parts': found_in_parts,
    'killed': killed,
    'moved': moved,
    'read': read,
    'indexes': indexes,
    'indexes-of-shards': indexes_of_shards,
    'killed-indexes': killed_indexes,
    'hostile-indexes': hostile_indexes,
}

if __name__ == '__main__':
    sys.exit(suite.run(cases))
