# SPDX-License-Identifier: BSD-2-Clause
# What standard input can be, and no capture comes from.
"$PYTHON" - <<'END'
import pty, select, subprocess, sys
try:
    terminal = pty.openpty()[1]
except OSError:
    sys.exit(77)
epoll = select.epoll()
for what, fd in ('a terminal', terminal), ('an epoll', epoll.fileno()):
    done = subprocess.run(['cleave', 'split', '-', '-o', 'out'], stdin=fd, stderr=subprocess.PIPE)
    print('standard input is %s: exit %d' % (what, done.returncode))
    print(done.stderr.decode(), end='')
END
[ $? = 77 ] && skip 'no terminal can be had'
names .
