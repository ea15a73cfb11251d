# SPDX-License-Identifier: BSD-2-Clause
# On a narrow terminal the least wanted columns are left out, and named; not the one that sorts.
needs_sqlite
has_terminals
sample mixed a.pcap
cleave index a.pcap -q --names
for way in 200: 90: 60: 60:duration 40:packets 20:; do
    "$PYTHON" - $way <<'EOF'
import fcntl, os, pty, struct, sys, termios
columns, sort = sys.argv[1].split(':')
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('4H', 25, int(columns), 0, 0))
    os.environ.update(TERM='dumb', NO_COLOR='1')
    os.execvp('cleave', ['cleave', 'flows', 'a.flows.db', '--limit', '2', *(['--sort', sort] if sort else [])])
said = b''
while True:
    try:
        said += os.read(fd, 65536)
    except OSError:
        break
print('%s columns, sorted by %s: status %d' % (columns, sort or 'number', os.WEXITSTATUS(os.waitpid(pid, 0)[1])))
print(said.decode().replace('\r', ''))
EOF
done
