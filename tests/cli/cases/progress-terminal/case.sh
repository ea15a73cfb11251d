# SPDX-License-Identifier: BSD-2-Clause
# On a terminal progress is one line, which is gone before the summary comes: also on narrow ones,
# and on those that know no escape sequences.
has_terminals
cleave generate traffic -q --flows 2000 --packets 200000 -o a.pcap
for columns in 24 40 80; do
    "$PYTHON" - $columns <<'EOF'
import fcntl, os, pty, struct, sys, termios
columns = int(sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('4H', 25, columns, 0, 0))
    os.environ['TERM'] = 'dumb'
    os.execvp('cleave', ['cleave', 'split', 'a.pcap', '-o', 'out%d' % columns])
said = b''
while True:
    try:
        said += os.read(fd, 65536)
    except OSError:
        break
print(columns, 'columns: status', os.WEXITSTATUS(os.waitpid(pid, 0)[1]))
assert b'\033' not in said, said
line, *summary = said.decode().split('\r\n')
shown = ''
parts = line.split('\r')
for part in parts:
    shown = part + shown[len(part):]
assert all(len(p) < columns for p in parts[1:-1]), parts
assert len(parts) > 2 and any('%' in p for p in parts), parts
print(shown.rstrip())
EOF
done
