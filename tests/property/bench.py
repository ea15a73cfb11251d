# SPDX-License-Identifier: BSD-2-Clause
"""What bench/run writes, of captures that are far too small to say anything about speed.

Each claim has its table, without a blank cell, and its picture; the written part of the page stays
as it is; a run that is stopped leaves what it has, and another one does the rest; a program that
loses packets gets no time.
"""
import glob
import json
import os
import re
import signal
import subprocess
import sys
import time
from xml.dom import minidom

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
from harness import HANGS_S, Skip, check, check_equal

BENCH = os.path.join(harness.SOURCE_ROOT, 'bench', 'run')
CASES = ['files-10k-mixed', 'archive-10k-mixed', 'index-10k-mixed', 'options-10k-mixed',
         'threads-10k-mixed', 'peers-split-10k-mixed', 'peers-table-10k-mixed',
         'peers-one-10k-mixed', 'options-related']
CLAIMS = {'files': 'One file per flow', 'archive': 'One archive', 'index': 'List, index, extract',
          'options': 'What options cost', 'threads': 'Threads', 'peers': 'Other programs'}
BEFORE = ('# Speed\n\nWritten by hand, before.\n\n'
          '<!-- bench/run writes what follows: do not edit -->\n')
AFTER = '<!-- end of bench/run -->\n\nWritten by hand, after.\n'

# Other programs, as far as bench/run can see: one keeps all packets, one none.
KEEPS = '#!/bin/sh\n[ "$1" = -h ] && { echo Version: 1.4; exit; }\ncp "$6" "$5/all.pcap"\n'
LOSES = '#!/bin/sh\nexit 0\n'

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


def command(*more: str) -> list:
    build = os.path.dirname(os.path.dirname(suite.cleave))
    return [sys.executable, '-B', BENCH, '--tiny', '--build', build, '--out',
            suite.path('page'), '--scratch', suite.path('scratch'), '--peers',
            'pkt2flow,PcapSplitter', '--peer-dir', suite.path('bin'), '--cases',
            ','.join('^%s$' % name for name in CASES), *more]


def found() -> dict:
    with open(suite.path('page', 'results.json'), encoding='utf-8') as f:
        return {r['case']: r for r in json.load(f)['results']}


def page() -> str:
    """The generated part; what was written by hand must be as it was."""
    with open(suite.path('page', 'RESULTS.md'), encoding='utf-8') as f:
        text = f.read()
    check(text.startswith(BEFORE) and text.endswith(AFTER), 'the written part changed: %s', text)
    return text[len(BEFORE):-len(AFTER)]


def prepare() -> None:
    if any(word in suite.run_cleave('--version').stdout for word in (b'no SQLite', b'no jansson')):
        raise Skip('this build lacks SQLite or jansson')
    for name in 'page', 'bin':
        os.mkdir(suite.path(name))
    suite.write('page/RESULTS.md', (BEFORE + 'of an earlier run\n' + AFTER).encode())
    for name, text in ('pkt2flow', KEEPS), ('PcapSplitter', LOSES):
        os.chmod(suite.write('bin/' + name, text.encode()), 0o755)


def stop_after_the_first_case() -> None:
    results = suite.path('page', 'results.json')
    with subprocess.Popen(command(), stdout=subprocess.DEVNULL) as child:
        end = time.monotonic() + HANGS_S
        while not os.path.exists(results) and child.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        child.send_signal(signal.SIGTERM)
        check_equal(child.wait(timeout=HANGS_S), 143, 'status of a run that was stopped')
    have = set(found())
    check(have and have < set(CASES), 'a run that was stopped has measured %s', have)
    check('## ' + CLAIMS['files'] in page(), 'no table after a stop: %s', page())
    check('Not measured yet: ' in page(), 'the page does not say what is missing')
    check_equal(os.listdir(suite.path('scratch')), [], 'left in the scratch directory')


def check_results(results: dict) -> None:
    check_equal(sorted(results), sorted(CASES), 'cases measured')
    for name, r in results.items():
        for who, walls in r['wall'].items():
            check(walls and all(wall > 0 for wall in walls), '%s: %s took %s', name, who, walls)
    lost = results['peers-split-10k-mixed']
    check(lost['wall']['pkt2flow'], 'the program that keeps all packets has no time')
    check_equal(list(lost['wall']), ['cleave split', 'pkt2flow'], 'programs with a time')
    check_equal(lost['failed'], {'PcapSplitter': '0 of %d packets' % lost['records']}, 'lost')


def check_page(text: str, records: int) -> None:
    for claim, title in CLAIMS.items():
        check(re.search(r'^## %s' % title, text, re.M), 'no section "%s"', title)
        check('](plots/%s.svg)' % claim in text, 'no picture of %s', claim)
        with minidom.parse(suite.path('page', 'plots', claim + '.svg')) as svg:
            check(svg.getElementsByTagName('rect').length > 1, 'the picture of %s is empty', claim)
    for line in text.splitlines():
        check(not re.search(r'\|\s*\|', line), 'a blank cell: %s', line)
        check(not re.search(r'\| *[\d.]+ x *\|', line), 'a figure that may be seconds: %s', line)
    check('0 of %d packets' % records in text, 'the page does not say what was lost')
    check('tcpflow' not in text, 'the page names a program that was not run')


def page_of_all_claims() -> None:
    prepare()
    stop_after_the_first_case()
    stopped = found()
    done = harness.run(command('--missing'), timeout=HANGS_S * suite.patience)
    check_equal(done.returncode, 0, 'status of the rest, %r' % done.stderr)
    for name in stopped:
        check('] %s\n' % name not in done.stdout.decode(), '%s was measured again', name)
    check_results(found())
    check_page(page(), found()['peers-split-10k-mixed']['records'])
    check_equal(glob.glob(suite.path('page', '*.new')), [], 'files left')


def main() -> int:
    return suite.run({'page': page_of_all_claims})


if __name__ == '__main__':
    sys.exit(main())
