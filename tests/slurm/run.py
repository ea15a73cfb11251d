#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""cleave-slurm: what a cluster makes is, file for file, what one machine makes; whatever breaks.

The cluster is a Slurm of our own (cluster.py), GNU parallel or Snakemake on this machine. A case
skips where its engine is not installed.
"""
import ast
import os
import re
import struct
import subprocess
import sys
import zipfile
from typing import Dict, List, Optional, Tuple

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import harness  # noqa: E402
from cluster import Slurm, until  # noqa: E402
from harness import Failed, Skip, check, check_equal, check_files  # noqa: E402


def more_flags(parser) -> None:
    parser.add_argument('--script', required=True, help='cleave-slurm')


suite = harness.Suite(__doc__ or '', more_flags)
SCRIPT = os.path.abspath(suite.args.script)
ALL, DAMAGED, NOTHING, UNDER_WAY = range(4)

# ---- captures ----

N_CAPTURES = 40


def records_of(data: bytes) -> List[bytes]:
    found, at = [], 24
    while at < len(data):
        end = at + 16 + struct.unpack_from('<I', data, at + 8)[0]
        found.append(data[at:end])
        at = end
    return found


def make_captures() -> None:
    """caps/: connections and fragmented datagrams that go on from file to file; of one file the end
    is missing, one has bytes that are no record, one is empty."""
    suite.run_cleave('generate', 'traffic', '-q', '-o', 'all.pcap', '--flows', '300', '--packets',
                     '4000', '--fragments', '40', '--udp', '40', '--other', '3', '--vlan', '10',
                     '--ipv6', '10', cwd=suite.dir)
    with open(suite.path('all.pcap'), 'rb') as f:
        data = f.read()
    records = records_of(data)
    os.mkdir(suite.path('caps'))
    for i in range(N_CAPTURES):
        part = records[len(records) * i // N_CAPTURES:len(records) * (i + 1) // N_CAPTURES]
        text = data[:24] + b''.join(part)
        if i == 12:
            text = text[:-50]
        if i == 25:
            text = data[:24] + b''.join(part[:40]) + b'\xff' * 64 + b''.join(part[40:])
        suite.write('caps/t.pcap%d' % i, b'' if i == 30 else text)


def one_machine(*flags: str) -> Dict[str, List[bytes]]:
    suite.run_cleave('split', 'caps', '-o', 'one', '-q', *flags, status=DAMAGED, cwd=suite.dir)
    found = numberless(suite.path('one'))
    check(len(found) > 200, 'flows: %d', len(found))
    return found


def numberless(*folders: str) -> Dict[str, List[bytes]]:
    """Outputs by name less their number, in the order of numbers."""
    found: Dict[str, List[bytes]] = {}
    for folder in folders:
        for name in sorted(os.listdir(folder)):
            if name.endswith(('.pcap', '.pcapng')):
                with open(os.path.join(folder, name), 'rb') as f:
                    found.setdefault(re.sub(r'^\d+_', '', name), []).append(f.read())
    return found


def check_union(result: str, wanted: Dict[str, List[bytes]]) -> None:
    """The parts of a result have the outputs of one machine, each once."""
    top = suite.path(result)
    found = numberless(*(os.path.join(top, n) for n in sorted(os.listdir(top)) if n.startswith('part-')))

    def flat(files: Dict[str, List[bytes]]) -> Dict[str, bytes]:
        return {'%s#%d' % (n, i): b for n, all_ in files.items() for i, b in enumerate(all_)}
    check_files(flat(found), flat(wanted))


def check_proven(result: str) -> None:
    suite.run_cleave('verify', result, 'caps', cwd=suite.dir)


def check_tidy(result: str) -> None:
    """Nothing half-made has the final name, or is beside it."""
    check(not os.path.lexists(suite.path(result)), '%s exists', result)
    left = [n for n in os.listdir(suite.dir) if n.startswith('.%s.' % result)]
    check(not left, 'left beside it: %r', left)


# ---- the script ----

def script(*args: str, status: Optional[int] = 0, **more) -> subprocess.CompletedProcess:
    done = harness.run([sys.executable, SCRIPT, *args], cwd=suite.dir, **more)
    if status is not None and done.returncode != status:
        raise Failed('cleave-slurm %s\nexits %d instead of %d:\n%s%s' % (
            ' '.join(args), done.returncode, status, done.stdout.decode(), done.stderr.decode()))
    return done


def planned(*flags: str) -> Tuple[str, ...]:
    return ('--cleave', suite.cleave, '--cpus', '1', '--shards', '4', '--group-size', '250K', *flags)


def needs(*engines: str) -> None:
    for engine in engines:
        harness.tool(engine)
    if b'gather' not in suite.run_cleave('--help').stdout:
        raise Skip('this build has no gather')


def groups_of(plan: str) -> List[List[str]]:
    found = []
    for name in sorted(os.listdir(suite.path(plan, 'groups'))):
        with open(suite.path(plan, 'groups', name), encoding='utf-8') as f:
            found.append(f.read().splitlines())
    return found


def plan_is_readable() -> None:
    """Groups are runs of the captures in order; every one is in one group, and none of a group is
    only what is empty. Nothing is run, and nothing made by --dry-run."""
    needs()
    make_captures()
    words = planned('--engine', 'parallel', '--dry-run')
    shown = script(*words, '--', 'split', 'caps', '-o', 'out').stdout.decode()
    check(not os.path.exists(suite.path('out.plan')), '--dry-run makes a plan')
    script('plan', *planned(), '--', 'split', 'caps', '-o', 'out', '--by', 'connection', '-f')
    groups = groups_of('out.plan')
    check_equal([n for g in groups for n in g],
                suite.run_cleave('info', '--list', 'caps', cwd=suite.dir).stdout.decode().split(),
                'captures')
    check(len(groups) > 5, 'groups: %d', len(groups))
    for g in groups:
        sizes = [os.path.getsize(suite.path(n)) for n in g]
        check(sum(sizes) <= 250000 or len([n for n in sizes if n]) == 1, 'a group of %d bytes', sum(sizes))
        check(any(sizes), 'a group of nothing')
    with open(suite.path('out.plan', 'commands.sh'), encoding='utf-8') as f:
        commands = f.read()
    for text in shown, commands:
        for n in range(1, len(groups) + 1):
            check_equal(text.count('--files-from=%s' % suite.path('out.plan/groups', '%04d' % n)), 1,
                        'commands of group %d' % n)
        check_equal(text.count('--member='), 5, 'commands of shards')
    check('--by=connection' in commands and '--shard-by=hostpair' in commands, '%s', commands)
    check_equal(script('status', 'out.plan', status=NOTHING).stdout.decode().split('\n')[0],
                'map      0 of %d tasks' % len(groups), 'status')
    script('clean', 'out.plan', status=NOTHING)
    script('clean', 'out.plan', '--all')
    check(not os.path.exists(suite.path('out.plan')), 'clean leaves the plan')


def refusals() -> None:
    """What a cluster cannot do as one machine does is said before anything is made."""
    suite.run_cleave('generate', 'traffic', '-q', '-o', 'a.pcap', '--flows', '50', '--packets', '500', cwd=suite.dir)
    os.mkdir(suite.path('there'))
    for words, why in (
            ('-o out --related all', b'--related'), ('-o out --group=dns', b'--group'),
            ('-o out --names', b'--names'), ('-o out --top 3', b'--top'),
            ('-o out --shards 3', b'--shards'), ('-o out --each', b'--each'),
            ('-o out --report p.html', b'--report'), ('-o out --by client', b'--by client'),
            ('-o out --by ip,service', b'service'), ('-o out --by port', b'--by port'),
            ('-o out --by name', b'--by name'), ('-o out --by none', b'--by none'),
            ('-o out --by ip,iface', b'iface'), ('-o out --every 1s', b'--every'),
            ('-o out --min-packets 3', b'--no-other'), ('-o out --manifest none', b'--manifest'),
            ('-o out.pcap', b'--output'), ('-o -', b'--output'), ('-o out.zip', b'--archive'),
            ('', b'--output'), ('-o there', b'there: already exists'), ('-o out -n {input}_{n}', b'{input}'),
            ('-o out --no-such', b'--no-such'), ('-o out --by colour', b'colour'),
            ('-o out --snaplen 0', b'--snaplen'), ('-o out missing.pcap', b'missing.pcap'),
            ('-o out -', b'standard input'), ('-o out --idle-timeout', b'--idle-timeout')):
        done = script(*planned(), '--', 'split', 'a.pcap', *words.split(), status=NOTHING)
        check(why in done.stderr, '%s: %r', words, done.stderr)
        check(not os.path.exists(suite.path('out.plan')), '%s: a plan is made', words)
    done = script('status', 'there', status=NOTHING)
    check(b'is not a plan' in done.stderr, '%r', done.stderr)
    for words, why in (('--merge', b'--merge'), ('--related all', b'--related'), ('--archive', b'--archive'),
                       ('-o -', b'--output')):
        done = script(*planned(), '--', 'index', 'a.pcap', '-o', 'out.db', *words.split(), status=NOTHING)
        check(why in done.stderr, '%s: %r', words, done.stderr)
    done = script(*planned('--shards', '65536'), '--', 'index', 'a.pcap', '-o', 'out.db', status=NOTHING)
    check(b'65,537 shards' in done.stderr, '%r', done.stderr)
    done = script(*planned(), 'split', 'a.pcap', '-o', 'out', status=NOTHING)
    check(done.stderr.decode().endswith(' -- split ... -o RESULT\n'), '%s', done.stderr.decode())
    done = script(*planned(), '--', 'extract', 'a.pcap', status=NOTHING)
    check(b'must follow the --' in done.stderr, '%r', done.stderr)


def keys_that_are_hashed() -> None:
    needs()
    suite.run_cleave('generate', 'traffic', '-q', '-o', 'a.pcap', '--flows', '50', '--packets', '500', cwd=suite.dir)
    for by, key in (('flow', 'hostpair'), ('connection', 'hostpair'), ('ip/24,64,port', 'ip/24,64'),
                    ('vlan,FLOW', 'hostpair'), ('flow/16', 'ip/16'), ('mac,vlan,proto', 'mac,vlan')):
        shown = script(*planned('--dry-run'), '--', 'split', 'a.pcap', '-o', 'out', '--by', by)
        check(b' --shard-by=%s ' % key.encode() in shown.stdout, '%s: %r', by, shown.stdout)


def language_is_old() -> None:
    """Python 3.6 reads it."""
    with open(SCRIPT, encoding='utf-8') as f:
        ast.parse(f.read(), feature_version=(3, 6))


# ---- GNU parallel and Snakemake ----


def by_parallel() -> None:
    needs('parallel')
    make_captures()
    wanted = one_machine('--by', 'connection', '--idle-timeout', '1ms')
    os.mkdir(suite.path('scratch'))
    done = script(*planned('--engine', 'parallel', '--parallel', '-j 2', '--scratch', '$SCRATCH'), '--',
                  'split', 'caps', '-o', 'out', '--by', 'connection', '--idle-timeout=1ms',
                  status=DAMAGED, env={**os.environ, 'SCRATCH': suite.path('scratch')})
    check_equal(os.listdir(suite.path('scratch')), [], 'left in scratch')
    left = [n for n in os.listdir(suite.path('out.plan/maps')) if not n.startswith('map-')]
    check_equal(left, [], 'left in maps')
    check_union('out', wanted)
    check_proven('out')
    text = done.stdout.decode()
    for name in 't.pcap12', 't.pcap25', 't.pcap30':
        check(re.search(r'^ +caps/%s: ' % name, text, re.M), '%s is not listed: %s', name, text)
    check_equal(text.count('caps/'), 3, 'damaged captures in ' + text)
    script('clean', 'out.plan')
    check(not os.path.exists(suite.path('out.plan')), 'clean leaves the plan')
    check_union('out', wanted)


def no_records() -> None:
    """Captures without a packet are a result without a flow, as on one machine."""
    needs('parallel')
    os.mkdir(suite.path('caps'))
    for i in range(3):
        suite.write('caps/t.pcap%d' % i, bytes.fromhex('d4c3b2a1020004000000000000000000ffff000001000000')
                    if i else b'')
    suite.run_cleave('split', 'caps', '-o', 'one', '-q', status=DAMAGED, cwd=suite.dir)
    script(*planned('--engine', 'parallel'), '--', 'split', 'caps', '-o', 'out', status=DAMAGED)
    check_files(harness.files_of(suite.path('out')), harness.files_of(suite.path('one')))


def archives() -> None:
    """An archive for each shard, made in scratch or not, has what a directory would have."""
    needs('parallel')
    make_captures()
    wanted = one_machine()
    os.mkdir(suite.path('scratch'))
    done = script(*planned('--engine', 'parallel', '--scratch', '$SCRATCH'), '--', 'split', 'caps', '-o',
                  'out', '--archive', status=None, env={**os.environ, 'SCRATCH': suite.path('scratch')})
    if b'is an archive' in done.stderr:
        raise Skip('gather of this build takes no archives')
    check_equal(done.returncode, DAMAGED, done.stderr.decode())
    for name in os.listdir(suite.path('out')):
        if name.endswith('.zip'):
            with zipfile.ZipFile(suite.path('out', name)) as z:
                z.extractall(suite.path('unpacked', name[:-4]))
    check_union('unpacked', wanted)
    check_proven('out')


def indexes() -> None:
    """An index of each shard, made in scratch; they become one, which has the flows of one machine
    and finds their records in the maps, which clean leaves."""
    needs('parallel')
    if b'no SQLite' in suite.run_cleave('--version').stdout:
        raise Skip('this build makes no indexes')
    make_captures()
    wanted = one_machine('--by', 'connection')
    os.mkdir(suite.path('scratch'))
    flags = planned('--engine', 'parallel', '--scratch', '$SCRATCH', '--group-size', '2M', '--shards', '2')
    done = script(*flags, '--', 'index', 'caps', '-o', 'out.db', '--by', 'connection', status=DAMAGED,
                  env={**os.environ, 'SCRATCH': suite.path('scratch')})
    check(b'out.db.plan/maps: the index points into' in done.stdout, '%s', done.stdout.decode())
    said = script('clean', 'out.db.plan', '--all').stdout
    check(b'maps: kept' in said, '%r', said)
    check_equal(os.listdir(suite.path('out.db.plan')), ['maps'], 'what clean leaves')
    suite.run_cleave('extract', 'out.db', '-q', '-o', 'taken/', cwd=suite.dir)
    check_union('taken', wanted)


def by_ssh() -> None:
    """What goes over ssh is what a login shell elsewhere makes of it: here one of this machine."""
    needs('parallel')
    make_captures()
    wanted = one_machine()
    ssh = suite.write('ssh', b'#!/bin/sh\n# ssh OPTIONS... HOST COMMAND...\n'
                      b'while case $1 in -*) ;; *) false ;; esac; do shift; done\n'
                      b'echo "$1" >>"${0%/*}/hosts"; shift; [ "$1" != -- ] || shift; cd / && exec sh -c "$*"\n')
    os.chmod(ssh, 0o755)
    env = {name: value for name, value in os.environ.items() if name != 'SHELL'}  # as in a service
    # What parallel would replace is in the path of the plan.
    plan = suite.path("a {} {#}'{1} plan")
    script(*planned('--engine', 'parallel', '--plan', plan, '--parallel', '-S 1/left,1/right'), '--', 'split', 'caps',
           '-o', 'out', status=DAMAGED, env={**env, 'PARALLEL_SSH': ssh})
    check_union('out', wanted)
    with open(suite.path('hosts'), encoding='utf-8') as f:
        check_equal(set(f.read().split()), {'left', 'right'}, 'hosts')


def by_snakemake() -> None:
    needs('snakemake')
    make_captures()
    wanted = one_machine()
    script('plan', *planned(), '--', 'split', 'caps', '-o', 'out')
    done = harness.run(['snakemake', '-s', 'out.plan/Snakefile', '--cores', '2', '--quiet'],
                       cwd=suite.dir, env={**os.environ, 'HOME': suite.dir})
    check_equal(done.returncode, 0, done.stderr.decode())
    check_union('out', wanted)
    check_proven('out')
    script('status', 'out.plan', status=DAMAGED)
    script('clean', 'out.plan')


def full_disk() -> None:
    """The disk of the maps is full: the last word says so, nothing is published, resume goes on."""
    needs('parallel')
    make_captures()
    wanted = one_machine()
    plan = suite.path('disk')
    script('plan', *planned('--engine', 'parallel', '--plan', plan), '--', 'split', 'caps', '-o', 'out')
    maps = os.path.join(plan, 'maps')
    if harness.run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', maps]).returncode != 0:
        raise Skip('cannot mount a small file system here')
    try:
        text = script('submit', plan, status=NOTHING).stdout.decode()
        check(re.search(r'^failed   map-\d+ on .*\n? .*No space left on device', text, re.M), '%s', text)
        check('\nfull     a disk or a quota is full' in text and 'no output was made' in text, '%s', text)
        check_tidy('out')
        check_equal(harness.run(['mount', '-o', 'remount,size=64m', maps]).returncode, 0, 'mount')
        script('resume', plan, status=DAMAGED)
        check_union('out', wanted)
    finally:
        harness.run(['umount', maps])


# ---- Slurm ----

# Stands for cleave: what the file trouble/NAME says befalls the task that makes NAME, once.
TROUBLE = '''#!/bin/sh
for word; do case $word in --output=*) out=${{word#--output=}} ;; esac; done
trouble={dir}/trouble/${{out##*/}}
if [ -n "$out" ] && mv "$trouble" "$trouble.met" 2>/dev/null; then
    case $(cat "$trouble.met") in
    killed) # with half of its work beside it
        mkdir "${{out%/*}}/.${{out##*/}}.cleave-999999-0" && kill -9 $PPID $$ ;;
    full) ulimit -f 8 ;;
    held)
        while [ -e {dir}/held ]; do sleep 0.1; done ;;
    esac
fi
exec {cleave} "$@"
'''


def cleave_with(**troubles: str) -> str:
    """A program that stands for cleave."""
    os.mkdir(suite.path('trouble'))
    for name, what in troubles.items():
        suite.write('trouble/' + name.replace('__', '.').replace('_', '-'), what.encode())
    path = suite.write('cleave-in-trouble', TROUBLE.format(
        dir=suite.dir, cleave=suite.cleave).encode())
    os.chmod(path, 0o755)
    return path


def met(name: str) -> bool:
    return os.path.exists(suite.path('trouble', name + '.met'))


def by_slurm() -> None:
    """More tasks than an array may have; a controller that is restarted, a node that is drained, a
    task that is run twice meanwhile: and the result is that of one machine."""
    needs('sbatch')
    with Slurm(suite.path('slurm')) as slurm:
        make_captures()
        wanted = one_machine('--by', 'connection')
        cleave = cleave_with(map_0001__zip='held')
        open(suite.path('held'), 'w').close()
        words = [w if w != suite.cleave else cleave for w in planned('--sbatch=--comment="a b"')]
        shown = script(*words, '--', 'split', 'caps', '-o', 'out', '--by', 'connection')
        n = len(groups_of('out.plan'))
        check(n > 9, 'there are %d groups, and MaxArraySize is 9', n)
        check(b'9 elements' in shown.stdout, '%r', shown.stdout)
        until(lambda: met('map-0001.zip'), 'the first task')
        slurm.restart_controller()
        node = slurm.ask('squeue', '-h', '-t', 'R', '-o', '%N').split()[0]
        slurm.ask('scontrol', 'update', 'NodeName=' + node, 'State=DRAIN', 'Reason=test')
        text = script('status', 'out.plan', status=UNDER_WAY).stdout.decode()
        check(re.search('^running  map-0001 on .* since ', text, re.M), '%s', text)
        check('failed' not in text and '\njobs     ' in text, '%s', text)
        script('resume', 'out.plan', status=NOTHING)  # while its jobs are there
        twice = subprocess.Popen([sys.executable, SCRIPT, 'run', 'out.plan', 'map', '1'], cwd=suite.dir,
                                 stdout=subprocess.DEVNULL)
        os.unlink(suite.path('held'))
        check_equal(twice.wait(harness.HANGS_S), 0, 'a task that is run twice')
        until(lambda: not slurm.jobs(), 'all jobs', 120)
        script('status', 'out.plan', status=DAMAGED)
        check_union('out', wanted)
        check_proven('out')
        done = script('resume', 'out.plan')
        check(b'is published' in done.stdout, '%r', done.stdout)
        script('clean', 'out.plan')


def broken_slurm() -> None:
    """Tasks that are killed or meet a full disk: gather has the last word, nothing is published, and
    resume makes the same result, of only what is missing."""
    needs('sbatch')
    with Slurm(suite.path('slurm')):
        make_captures()
        wanted = one_machine()
        cleave = cleave_with(map_0002__zip='killed', map_0003__zip='full', part_001='killed',
                             part_other='full')
        words = [w if w != suite.cleave else cleave for w in planned()]
        text = script(*words, '--wait', '--', 'split', 'caps', '-o', 'out',
                      status=NOTHING).stdout.decode()
        check(met('map-0002.zip') and met('map-0003.zip') and not met('part-001'), 'troubles: %r',
              os.listdir(suite.path('trouble')))
        check(re.search(r'^failed   map-0002 on .*: began at .*: killed', text, re.M), '%s', text)
        check(re.search(r'^failed   map-0003 on .*File too large', text, re.M | re.S), '%s', text)
        check('\nfull ' in text and 'cleave-slurm resume' in text, '%s', text)
        with open(suite.path('out.plan', 'report.txt'), encoding='utf-8') as f:
            free = re.compile(r'full; .* are free')
            check(free.sub('', f.read()) in free.sub('', text), 'gather says something else')
        check_tidy('out')
        maps = {n: os.stat(suite.path('out.plan/maps', n)).st_ino
                for n in os.listdir(suite.path('out.plan/maps')) if n.startswith('map')}
        check('map-0002.zip' not in maps and 'map-0001.zip' in maps, 'maps: %r', maps)
        text = script('resume', 'out.plan', '--wait', status=NOTHING).stdout.decode()
        check('map      2 tasks to do' in text, '%s', text)
        check(re.search(r'^failed   reduce-001 on .*killed', text, re.M), '%s', text)
        check(re.search(r'^failed   reduce-other on .*File too large', text, re.M | re.S), '%s', text)
        check_tidy('out')
        script('resume', 'out.plan', '--wait', status=DAMAGED)
        check_union('out', wanted)
        check_proven('out')
        for name, inode in maps.items():
            check_equal(os.stat(suite.path('out.plan/maps', name)).st_ino, inode, name + ' is made again')
        left = [n for n in os.listdir(suite.path('out.plan/maps')) if n.startswith('.')]
        check(not left, 'left: %r', left)


if __name__ == '__main__':
    sys.exit(suite.run({
        'plan': plan_is_readable,
        'refusals': refusals,
        'keys': keys_that_are_hashed,
        'language': language_is_old,
        'parallel': by_parallel,
        'no records': no_records,
        'archives': archives,
        'indexes': indexes,
        'ssh': by_ssh,
        'snakemake': by_snakemake,
        'full disk': full_disk,
        'slurm': by_slurm,
        'slurm, broken': broken_slurm,
    }))
