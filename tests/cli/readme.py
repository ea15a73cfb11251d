#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What README.md shows: its first run prints what it says, its commands do what they say, its links
lead somewhere, and it fits 200 lines.

Programs that README pipes to or from and that are not cleave are played by small scripts.
"""
import os
import re
import shutil
import sys
from typing import Callable, Dict, List

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import harness  # noqa: E402
from harness import check, check_equal  # noqa: E402

suite = harness.Suite(__doc__ or '')

PLAYED = {
    'tcpdump': 'exec cat "$DAY"',
    'tshark': 'head -c 4 | grep -q .',
    'zeek': '[ "$1" = -r ] && [ -s "$2" ]',
    'sqlite3': '[ -s "$2" ]',
    'cleave-slurm': ':',
}
NEEDS = {'index': 'SQLite', 'flows': 'SQLite', 'extract': 'SQLite', 'verify': 'jansson'}


def readme() -> str:
    with open(os.path.join(harness.SOURCE_ROOT, 'README.md'), encoding='utf-8') as f:
        return f.read()


def blocks(language: str) -> List[str]:
    return re.findall(r'^```%s\n(.*?)^```$' % language, readme(), re.M | re.S)


def place() -> Dict[str, str]:
    """A directory with what README's reader has, and an environment that finds programs."""
    programs, home = suite.path('bin'), suite.path('home')
    for path in (programs, home):
        shutil.rmtree(path, ignore_errors=True)
    os.makedirs(programs)
    os.makedirs(os.path.join(home, 'captures'))
    os.symlink(suite.cleave, os.path.join(programs, 'cleave'))
    for name, text in PLAYED.items():
        if name == 'sqlite3' and shutil.which(name):
            continue
        path = os.path.join(programs, name)
        with open(path, 'w', encoding='ascii') as f:
            f.write('#!/bin/sh\n%s\n' % text)
        os.chmod(path, 0o755)
    day = os.path.join(home, 'day.pcap')
    suite.run_cleave('generate', 'traffic', '-q', '--related', '--flows', '400', '-o', day)
    for i in range(2):
        shutil.copy(day, os.path.join(home, 'captures', 'hour%d.pcap' % i))
    with open(os.path.join(home, 'eve.json'), 'w', encoding='ascii') as f:
        f.write('{"event_type": "alert", "src_ip": "%s", "src_port": %s, "dest_ip": "%s", '
                '"dest_port": %s, "proto": "UDP"}\n' % tuple(first_flow(day)))
    return dict(os.environ, PATH=programs + ':' + os.environ['PATH'], DAY=day)


def first_flow(capture: str) -> List[str]:
    done = suite.run_cleave('split', capture, '--dry-run', '--manifest', '-', '-q')
    return done.stdout.decode().splitlines()[1].split(',')[3:7]


def lacks(command: str) -> str:
    """What this build has to have for it, or ''."""
    for name, library in NEEDS.items():
        if re.search(r'\bcleave %s\b|--%s\b' % (name, name), command):
            done = suite.run_cleave(name, '/dev/null', status=None)
            if b'this build has no' in done.stderr:
                return library
    return ''


def first_run() -> None:
    """The console at the top, but for how long it took."""
    text = re.search(r'^```\n(\$ cleave .*?)^```$', readme(), re.M | re.S)
    check(text, 'there is no console in README.md')
    env = place()
    said = None
    wanted: List[str] = []
    for line in text[1].splitlines() + ['$ true']:  # type: ignore[index]
        if not line.startswith('$ '):
            wanted.append(line)
            continue
        if said is not None:
            missing = [w for w in wanted if w not in said and w.strip() not in ('', '...') and
                       not w.startswith('took ')]
            check(not missing, 'not printed:\n%s\nbut:\n%s', '\n'.join(missing), '\n'.join(said))
        done = harness.run(['bash', '-c', line[2:].split('#')[0]], env=env, cwd=suite.path('home'))
        check_equal(done.returncode, 0, 'status of %s, which says %r' % (line, done.stderr))
        said, wanted = done.stdout.decode().splitlines(), []


def commands() -> None:
    """What comes after the installation; a pipe counts as failed where one of its programs does."""
    shown = blocks('sh')[2:]
    check(len(shown) > 8, 'only %d blocks of commands', len(shown))
    env = place()
    skipped = []
    for block in shown:
        library = lacks(block)
        if library:
            skipped.append(library)
            continue
        text = 'set -euo pipefail\n' + block.replace('example.com', 'example')
        done = harness.run(['bash', '-c', text], env=env, cwd=suite.path('home'))
        check_equal(done.returncode, 0, 'status of\n%s, which says %s' % (block, done.stderr.decode()))
    if len(skipped) == len(shown):
        raise harness.Skip('cleave was built without %s' % ' and '.join(sorted(set(skipped))))


def links() -> None:
    for target in re.findall(r'\]\(([^)#]+)\)', readme()):
        if '://' not in target:
            check(os.path.exists(os.path.join(harness.SOURCE_ROOT, target)), '%s is not there', target)


def short() -> None:
    check(len(readme().splitlines()) <= 200, 'README.md has %d lines', len(readme().splitlines()))


def main() -> int:
    cases: Dict[str, Callable[[], None]] = {
        'first-run': first_run, 'commands': commands, 'links': links, 'short': short}
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
