# SPDX-License-Identifier: BSD-2-Clause
"""The command line, as people meet it: shell scripts and what they print.

A case is a folder of cases/ with case.sh; beside it case.stdout, case.stderr and case.exit say what
the script prints and how it ends. It runs in an empty directory of its own with the prelude
(prelude.sh) before it, "cleave" and "sample" on its path, and LC_ALL=C. --update writes the
expectations anew; review the difference.

Before they are compared, outputs are normalised:
    the case's directory                                    @DIR@
    a number that is a time, a rate or the machine's own    @N@
    the summary's last line                                 took @N@
    the version of cleave                                   @VERSION@
    the process id in a staging directory's name            @PID@
    musl's words for an errno                               glibc's
After each case no staging directory (.NAME.cleave-PID-N) may be left, whatever happened in it.
A case that exits with 77 is skipped; the last line of its stderr says why.

With --valgrind every cleave runs under memcheck: what that finds fails the case.
"""
import argparse
import difflib
import os
import re
import shlex
import signal
import subprocess
import sys
from typing import Callable, Dict, List

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))
# pylint: disable=wrong-import-position
import harness

CASES = os.path.join(HERE, 'cases')


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--update', action='store_true', help='write the expectations anew')


suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0], add_flags)

SUBSTITUTIONS = [
    (re.compile(r'^took .*$', re.M), 'took @N@'),
    (re.compile(r'("(?:seconds|records_per_second|bytes_per_second|threads|max_open)": )'
                r'[0-9.]+'), r'\1@N@'),
    (re.compile(r'^cleave \d+\.\d+\.\d+$', re.M), 'cleave @VERSION@'),
    (re.compile(r'("cleave": )"\d+\.\d+\.\d+"'), r'\1"@VERSION@"'),
    (re.compile(r'\.cleave-\d+-(?:\d+|old)'), '.cleave-@PID@'),
    (re.compile(r'No file descriptors available$', re.M), 'Too many open files'),
    (re.compile(r'Filename too long$', re.M), 'File name too long'),
]


def normalised(raw: bytes) -> str:
    text = raw.decode('utf-8', 'backslashreplace').replace(os.path.realpath(suite.dir), '@DIR@')
    text = text.replace(suite.dir, '@DIR@')
    for pattern, by in SUBSTITUTIONS:
        text = pattern.sub(by, text)
    return text


def script(path: str, text: str) -> None:
    with open(path, 'w', encoding='utf-8') as f:
        f.write('#!/bin/sh\n' + text)
    os.chmod(path, 0o755)


def run_script(case_sh: str) -> Dict[str, str]:
    """Gives what is to be compared, by the ending of its file."""
    tools, work = suite.path('bin'), suite.path('work')
    os.makedirs(tools)
    os.makedirs(work)
    os.chmod(suite.dir, 0o755)  # cases may act as somebody else
    if suite.under:
        script(os.path.join(tools, 'cleave'), 'exec %s "$@"\n' % shlex.join(
            [*suite.under, suite.cleave]))
    else:
        os.symlink(suite.cleave, os.path.join(tools, 'cleave'))
    samples = os.path.join(HERE, '..', 'support', 'samples.py')
    script(os.path.join(tools, 'sample'), 'exec %s %s "$@"\n' % (
        shlex.quote(sys.executable), shlex.quote(samples)))
    env = {'PATH': tools + ':' + os.environ.get('PATH', '/usr/bin:/bin'), 'LC_ALL': 'C',
           'TZ': 'UTC', 'HOME': work, 'PYTHON': sys.executable, 'CLEAVE': suite.cleave,
           'PRELUDE': os.path.join(HERE, 'prelude.sh'), 'TMPDIR': work}
    if suite.under:  # which puts files into a directory where anybody may
        env.update(UNDER_VALGRIND='yes', TMPDIR=suite.path('valgrind'))
    env.update({k: v for k, v in os.environ.items() if k.endswith('SAN_OPTIONS')})
    command = '. %s; . %s' % (shlex.quote(os.path.join(HERE, 'prelude.sh')), shlex.quote(case_sh))
    done = run_whole(['/bin/sh', '-c', command], harness.HANGS_S * suite.patience, cwd=work, env=env,
                     stdin=subprocess.DEVNULL)
    if done.returncode == harness.SKIPPED:
        raise harness.Skip(done.stderr.decode().strip().split('\n')[-1])
    return {'stdout': normalised(done.stdout), 'stderr': normalised(done.stderr),
            'exit': '%d\n' % done.returncode}


def run_whole(args: List[str], timeout: float, **more) -> subprocess.CompletedProcess:
    """What does not end in time ends with all that it has started."""
    with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          start_new_session=True, **more) as child:
        try:
            stdout, stderr = child.communicate(timeout=timeout)
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(args, child.returncode, stdout, stderr)


def staging_left() -> List[str]:
    return [os.path.join(folder, name) for folder, folders, _ in os.walk(suite.dir)
            for name in folders if name.startswith('.') and '.cleave-' in name]


def shell_case(name: str) -> Callable[[], None]:
    def case() -> None:
        folder = os.path.join(CASES, name)
        found = run_script(os.path.join(folder, 'case.sh'))
        faults = []
        for ending, text in found.items():
            path = os.path.join(folder, 'case.' + ending)
            if suite.args.update:
                with open(path, 'w', encoding='utf-8') as f:
                    f.write(text)
                continue
            if not os.path.exists(path):
                faults.append('%s is missing; --update writes it' % path)
                continue
            with open(path, encoding='utf-8', newline='') as f:
                wanted = f.read()
            if text != wanted:
                faults.append(''.join(difflib.unified_diff(
                    wanted.splitlines(True), text.splitlines(True), 'wanted ' + ending,
                    'found ' + ending)))
        left = staging_left()
        if left:
            faults.append('left behind: ' + ' '.join(left))
        if faults:
            raise harness.Failed('differs\n' + '\n'.join(faults))
    return case


if __name__ == '__main__':
    sys.exit(suite.run({name: shell_case(name) for name in sorted(os.listdir(CASES))}))
