# SPDX-License-Identifier: BSD-2-Clause
# On a terminal progress is one line, which is gone before the summary comes: also on narrow ones. On
# one that is dumb there is none.
has_terminals
cleave generate traffic -q --flows 2000 --packets 200000 -o a.pcap
for terminal in xterm:24 xterm:40 xterm:80 dumb:80; do
    "$PYTHON" - $terminal <<'EOF'
import fcntl, os, pty, struct, sys, termios
term, columns = sys.argv[1].split(':')
columns = int(columns)
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('4H', 25, columns, 0, 0))
    os.environ.update(TERM=term, NO_COLOR='1')
    os.execvp('cleave', ['cleave', 'split', 'a.pcap', '-o', 'out%s%d' % (term, columns)])
said = b''
while True:
    try:
        said += os.read(fd, 65536)
    except OSError:
        break
print(term, columns, 'columns: status', os.WEXITSTATUS(os.waitpid(pid, 0)[1]))
assert b'\033' not in said, said
line, *summary = said.decode().split('\r\n')
shown = ''
parts = line.split('\r')
for part in parts:
    shown = part + shown[len(part):]
assert all(len(p) < columns for p in parts[1:-1]), parts
assert (len(parts) > 2 and any('%' in p for p in parts)) == (term == 'xterm'), parts
print(shown.rstrip())
EOF
done
