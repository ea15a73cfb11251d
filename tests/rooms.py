# SPDX-License-Identifier: BSD-2-Clause
"""The rooms of src/ as its README lists them: a file includes only its own room and those above,
and the command line and the Python module only what the library promises. No two files have the same name.
"""
import os
import re
import sys

SRC = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'src')
# They stand apart: they see what the library promises, and no room.
OUTER = {'cli', 'python'}
MADE = {'config.h', 'page.h', 'commit.h'}
# clv_split() verifies before it publishes: the one file that stands in a room too far up.
KNOWN = {('api/split.c', 'verify')}


def rooms() -> list:
    with open(os.path.join(SRC, 'README.md'), encoding='utf-8') as f:
        return re.findall(r'^\| `(\w+)/` \|', f.read(), re.M)


def faults_of(path: str, order: list, text: str) -> list:
    """What a file includes and may not. path is below src."""
    room, found = path.split('/')[0], []
    if room not in order:
        return ['%s: src/README.md does not list %s/' % (path, room)]
    for name in re.findall(r'^#include "([^"]+)"', text, re.M):
        other = name.split('/')[0]
        if name in MADE or other == 'cleave':
            continue
        if other not in order:
            found.append('%s: includes %s, which is in no room' % (path, name))
        elif room in OUTER and other != room:
            found.append('%s: includes %s; %s/ sees only include/' % (path, name, room))
        elif order.index(other) > order.index(room):
            found.append('%s: includes %s, of a room below its own' % (path, name))
    return found


def main() -> int:
    order = rooms()
    assert len(order) > 5, 'src/README.md lists the rooms'
    # What would be found, so that the test cannot fail to see it.
    assert faults_of('base/x.c', order, '#include "flow/key.h"\n')
    assert faults_of('cli/x.c', order, '#include "base/io.h"\n')
    assert faults_of('python/x.c', order, '#include "base/io.h"\n')
    assert faults_of('attic/x.c', order, '')
    assert not faults_of('flow/x.c', order, '#include "base/io.h"\n#include "cleave/split.h"\n')
    faults, n = [], 0
    for folder, _, names in sorted(os.walk(SRC)):
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), SRC)
            if name.endswith(('.c', '.h')) and os.sep in path:
                with open(os.path.join(SRC, path), encoding='utf-8') as f:
                    faults += faults_of(path, order, f.read())
                n += 1
    names = [n for _, _, ns in os.walk(SRC) for n in ns if n.endswith(('.c', '.h'))]
    public = os.listdir(os.path.join(SRC, '..', 'include', 'cleave'))
    faults += ['%s: two files have this name' % name
               for name in sorted(set(names)) if (names + public).count(name) > 1]
    print('\n'.join(faults + ['%d files in %d rooms' % (n, len(order))]))
    return 1 if faults else 0


sys.exit(main())
