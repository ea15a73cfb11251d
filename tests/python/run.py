#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the tests of the Python module by pytest. More arguments are pytest's: -k NAME runs one."""
import argparse
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SKIPPED = 77  # what meson takes for "skipped"


def sanitizer() -> str:
    """The run-time library that has to be there before an instrumented module is loaded."""
    done = subprocess.run(['gcc', '-print-file-name=libasan.so'], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--cleave', required=True, help='the program')
    parser.add_argument('--module', required=True, help='the directory that has package cleave')
    parser.add_argument('--sanitize', default='none', help='the sanitizers that both are built with')
    args, more = parser.parse_known_args()
    try:
        import pytest  # pylint: disable=unused-import,import-outside-toplevel # noqa: F401
    except ImportError:
        print('SKIP there is no pytest for %s' % sys.executable)
        return SKIPPED
    if 'thread' in args.sanitize or 'memory' in args.sanitize:
        print('SKIP an interpreter without sanitizer %s cannot load the module' % args.sanitize)
        return SKIPPED
    env = dict(os.environ, CLEAVE=os.path.abspath(args.cleave),
               PYTHONPATH=os.path.abspath(args.module), PYTHONDONTWRITEBYTECODE='1')
    sanitized = args.sanitize != 'none'
    if sanitized:
        env['LD_PRELOAD'] = sanitizer()
        # CPython leaves memory to the system at its end.
        env['ASAN_OPTIONS'] = 'detect_leaks=0:allocator_may_return_null=1'
    # What the interpreter frees and reads again is found with either.
    env.setdefault('PYTHONMALLOC', 'malloc' if sanitized else 'debug')
    command = [sys.executable, '-X', 'faulthandler', '-m', 'pytest', '-q', '-rs', '-p', 'no:cacheprovider',
               '--rootdir', HERE, HERE, *more]
    return subprocess.run(command, env=env, check=False).returncode


if __name__ == '__main__':
    sys.exit(main())
