#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Plans cleave-slurm for clusters that are not here: measures the parts, replays plans.

bench/cluster.py measure --cleave build/src/cleave --script src/cluster/cleave-slurm [--scratch DIR]
bench/cluster.py table [--json FILE]           the table of NOTES.md
bench/cluster.py replay --tb 10 --nodes 16 --fs 20 --nic 3 [--shards N] [--group-gb N] ...

measure runs each phase on this machine and writes cluster.json: CPU time per byte of map and
reduce, per flow and part of gather, which is serial, and per archive that reduce opens. (CPU time of
all threads: waiting for other programs is not in it.)

replay gives each task its node, slot by slot, the largest first. Tasks under way share the file
system's bandwidth, and those of a node its network; a task takes what is slowest: its CPU time on its
processors, or its bytes. Phases follow one another, as afterok has it.
"""
import argparse
import heapq
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FACTS = os.path.join(HERE, 'cluster.json')
GB = 1e9


# ---- measuring ----

def cpu_of(args, statuses=(0,), **more):
    """CPU seconds of a command and what it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(args, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, **more)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in statuses:
        sys.exit('%s: status %d\n%s' % (' '.join(args), done.returncode, done.stderr.decode()))
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(args):
    cleave, n, shards = os.path.abspath(args.cleave), 4, 16
    top = tempfile.mkdtemp(prefix='cleave-cluster-', dir=args.scratch)

    def run(*words):
        return cpu_of([sys.executable, args.script, 'run', 'plan', *words], cwd=top)
    try:
        names = ['%d.pcap' % i for i in range(n)]
        for i, name in enumerate(names):
            cpu_of([cleave, 'generate', 'traffic', '-q', '-o', name, '--bytes', '100MB', '--flows',
                    '8000', '--seed', str(i), '--udp', '30'], cwd=top)
        gb = sum(os.path.getsize(os.path.join(top, name)) for name in names) / GB
        once_s = sum(cpu_of([cleave, 'split', name, '--shards', str(shards), '--shard-by', 'hostpair',
                             '-q', '-f', '-o', 'once.zip'], cwd=top) for name in names)
        # Two captures to a group: what more than one capture, or than a window, takes is read twice.
        cpu_of([sys.executable, args.script, 'plan', '--cleave', cleave, '--shards', str(shards),
                '--cpus', '2', '--group-size', '200MB', '--plan', 'plan', '--', 'split', *names,
                '-o', 'out', '--sync', 'none'], cwd=top)
        groups = len(os.listdir(os.path.join(top, 'plan', 'groups')))
        twice_s = sum(run('map', str(m)) for m in range(1, groups + 1))
        start_s = run('map', '1')  # it is done: what is left is the script
        maps = [os.path.join(top, 'plan', 'maps', 'map-%04d.zip' % m) for m in range(1, groups + 1)]
        archive_s = sum(cpu_of([cleave, 'split', '-q', '-f', '--member', 'shard_%03d[.-]*' % k, *maps,
                                '-o', 'part.zip'], cwd=top) for k in range(shards))
        directory_s = sum(run('reduce', str(k)) for k in range(shards))
        run('reduce', 'other')
        parts = os.path.join(top, 'plan', 'parts')
        flows = 0
        for name in os.listdir(parts):
            with open(os.path.join(parts, name, 'manifest.csv'), 'rb') as f:
                flows += f.read().count(b'\n') - 1
        facts = {
            'map_once_s_per_gb': once_s / gb, 'map_twice_s_per_gb': (twice_s - groups * start_s) / gb,
            'reduce_archive_s_per_gb': archive_s / gb,
            'reduce_directory_s_per_gb': (directory_s - shards * start_s) / gb,
            'gather_s_per_million_flows': (run('gather') - start_s) / flows * 1e6,
            'start_s': start_s, 'open_s_per_archive': opening(cleave, top), 'kb_per_flow': gb / flows * 1e6}
        with open(args.json, 'w', encoding='utf-8') as f:
            json.dump({k: round(v, 6) for k, v in facts.items()}, f, indent=2)
            f.write('\n')
        with open(args.json, encoding='utf-8') as f:
            print(f.read(), end='')
    finally:
        shutil.rmtree(top)


def opening(cleave, top):
    """CPU seconds for one archive of 512 shards that a reduce task takes one member of."""
    n = 200
    cpu_of([cleave, 'generate', 'traffic', '-q', '-f', '-o', 'small.pcap', '--flows', '4000', '--packets',
            '8000', '--sizes', 'small'], cwd=top)
    maps = ['m%d.zip' % i for i in range(n)]
    cpu_of([cleave, 'split', 'small.pcap', '--shards', '512', '--shard-by', 'hostpair', '-q', '-o',
            maps[0]], cwd=top)
    for name in maps[1:]:
        shutil.copy(os.path.join(top, maps[0]), os.path.join(top, name))

    def reduce(inputs, out):
        return cpu_of([cleave, 'split', '-q', '--member', 'shard_007[.-]*', *inputs, '-o', out], cwd=top)
    return (reduce(maps, 'many') - reduce(maps[:1], 'one')) / (n - 1)


# ---- replaying ----

class Cluster:
    def __init__(self, nodes, slots, cpus, nic, fs):
        self.nodes, self.slots, self.cpus = nodes, slots, cpus  # cpus: of a task
        self.nic, self.fs = nic * GB, fs * GB  # bytes a second, of a node and of all

    def phase(self, tasks, start_s):
        """Seconds that tasks take, each (CPU seconds, bytes read and written), and what they waited
        for: seconds of 'cpu', 'network', 'file system', and 'last', while slots are empty."""
        waiting = sorted(tasks, reverse=True, key=lambda t: (t[1], t[0]))
        waiting.reverse()
        running, now = [], 0.0
        why = {'cpu': 0.0, 'network': 0.0, 'file system': 0.0}
        free = [(0, node) for node in range(self.nodes)]  # tasks of a node
        heapq.heapify(free)
        load = [0] * self.nodes
        last = 0.0
        while waiting or running:
            while waiting and free[0][0] < self.slots:
                n, node = heapq.heappop(free)
                heapq.heappush(free, (n + 1, node))
                load[node] += 1
                cpu_s, n_bytes = waiting.pop()
                running.append([1.0, cpu_s + start_s, n_bytes, node])
            share, rates = self.fs / len(running), []
            for left, cpu_s, n_bytes, node in running:
                io = min(share, self.nic / load[node])
                limits = {'cpu': self.cpus / cpu_s, 'network': self.nic / load[node] / max(1, n_bytes),
                          'file system': share / max(1, n_bytes)}
                rate = min(self.cpus / cpu_s, io / max(1, n_bytes))
                rates.append((left / rate, rate, min(limits, key=limits.get)))
            step = min(r[0] for r in rates)
            for task, (_, rate, what) in zip(running, rates):
                task[0] -= step * rate
                why[what] += step / len(running)
            if not waiting and len(running) < self.nodes * self.slots // 2:
                last += step
            now += step
            for task in [t for t in running if t[0] <= 1e-9]:
                running.remove(task)
                load[task[3]] -= 1
            free = [(n, node) for node, n in enumerate(load)]
            heapq.heapify(free)
        return now, max(why, key=why.get), last


def shares(n, largest, rng):
    """Sizes of n shards as parts of all: even but for the noise of hashing, and one elephant."""
    weights = [rng.gauss(1, 0.05) for _ in range(n)]
    out = [w / sum(weights) * (1 - largest) for w in weights]
    out[rng.randrange(n)] += largest
    return out


def replay(facts, tb, cluster, shards, group_gb, window_gb, largest, kind, flow_kb):
    rng, total = random.Random(1), tb * 1e12
    n_maps = max(1, round(total / (group_gb * GB)))
    # Of an archive, members are measured first: only one capture of a window is read once.
    once = group_gb <= window_gb
    map_s_per_gb = facts['map_once_s_per_gb' if once else 'map_twice_s_per_gb']
    maps = [(total / n_maps / GB * map_s_per_gb, (2 if once else 3) * total / n_maps)] * n_maps
    reduces = []
    for part in shares(shards, largest, rng):
        n = part * total
        again = 2 if kind == 'archive' and n > window_gb * GB else 1
        reduces.append((n / GB * facts['reduce_%s_s_per_gb' % kind] + n_maps * facts['open_s_per_archive'],
                        (again + 1) * n))
    start = facts['start_s']
    map_s, map_why, _ = cluster.phase(maps, start)
    reduce_s, reduce_why, last_s = cluster.phase(reduces, start)
    gather_s = total / (flow_kb * 1000) / 1e6 * facts['gather_s_per_million_flows'] + start
    return {'maps': n_maps, 'map_s': map_s, 'map_why': map_why, 'reduce_s': reduce_s,
            'reduce_why': reduce_why, 'last_s': last_s, 'gather_s': gather_s,
            'total_s': map_s + reduce_s + gather_s}


def time_text(s):
    return '%.0f s' % s if s < 100 else '%.0f min' % (s / 60) if s < 5400 else '%.1f h' % (s / 3600)


def limit_of(r):
    """What the longest phase waits for."""
    return 'gather' if r['gather_s'] > max(r['map_s'], r['reduce_s']) else \
        r['map_why'] if r['map_s'] >= r['reduce_s'] else r['reduce_why']


def table(args):
    with open(args.json, encoding='utf-8') as f:
        facts = json.load(f)
    rows = []
    for tb in 1, 10, 100:
        for nodes in 4, 16, 64:
            row = ['%d' % tb, '%d' % nodes, '%d' % (args.shards or 8 * nodes)]
            for fs in 5, 50:
                r = replay(facts, tb, Cluster(nodes, args.cores // args.cpus, args.cpus, args.nic, fs),
                           int(row[2]), args.group_gb, args.window_gb, args.largest, args.kind,
                           args.flow_kb)
                row += ['%s + %s + %s' % tuple(time_text(r[k]) for k in ('map_s', 'reduce_s', 'gather_s')),
                        time_text(r['total_s']), limit_of(r)]
            rows.append(row)
    if args.mdoc:
        for row in rows:
            print('.It ' + ' Ta '.join([*row[:3], row[4], row[5], row[7], row[8]]))
        return
    print('| TB | nodes | shards | 5 GB/s: map + reduce + gather | in all | limited by '
          '| 50 GB/s: map + reduce + gather | in all | limited by |')
    print('|---' * 9 + '|')
    for row in rows:
        print('| ' + ' | '.join(row) + ' |')


def one(args):
    with open(args.json, encoding='utf-8') as f:
        facts = json.load(f)
    slots = args.cores // args.cpus
    cluster = Cluster(args.nodes, slots, args.cpus, args.nic, args.fs)
    shards = args.shards or 8 * args.nodes
    r = replay(facts, args.tb, cluster, shards, args.group_gb, args.window_gb, args.largest, args.kind,
               args.flow_kb)
    print('map      %s in %d tasks, limited by %s' % (time_text(r['map_s']), r['maps'], r['map_why']))
    print('reduce   %s in %d tasks, limited by %s; %s of it with half of the slots empty' % (
        time_text(r['reduce_s']), shards, r['reduce_why'], time_text(r['last_s'])))
    print('gather   %s' % time_text(r['gather_s']))
    print('in all   %s' % time_text(r['total_s']))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command')
    commands.required = True
    m = commands.add_parser('measure', help='measure the parts here')
    m.set_defaults(run=measure)
    m.add_argument('--cleave', required=True)
    m.add_argument('--script', required=True, type=os.path.abspath, help='cleave-slurm')
    m.add_argument('--scratch', help='where 1 GB is free')
    t = commands.add_parser('table', help='print the table of NOTES.md')
    t.set_defaults(run=table)
    t.add_argument('--mdoc', action='store_true', help='the rows of cleave-slurm(1)')
    r = commands.add_parser('replay', help='replay one plan')
    r.set_defaults(run=one)
    r.add_argument('--tb', type=float, required=True)
    r.add_argument('--nodes', type=int, required=True)
    r.add_argument('--fs', type=float, default=20, help='GB/s of the file system, in all')
    for p in t, r:
        p.add_argument('--nic', type=float, default=2.5, help='GB/s of a node (default: 2.5)')
        p.add_argument('--cores', type=int, default=32, help='of a node (default: 32)')
        p.add_argument('--cpus', type=int, default=4, help='of a task (default: 4)')
        p.add_argument('--shards', type=int, help='default: 8 for each node')
        p.add_argument('--group-gb', type=float, default=50)
        p.add_argument('--window-gb', type=float, default=4, help='what is read once (default: 4)')
        p.add_argument('--largest', type=float, default=0.005,
                       help='part of all that the largest pair of hosts has (default: 0.005)')
        p.add_argument('--kind', choices=('archive', 'directory'), default='archive')
        p.add_argument('--flow-kb', type=float, default=50, help='of a flow, on average')
    for p in m, t, r:
        p.add_argument('--json', default=FACTS)
    args = parser.parse_args()
    args.run(args)


if __name__ == '__main__':
    main()
