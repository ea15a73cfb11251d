# SPDX-License-Identifier: BSD-2-Clause
# Packets do not go onto a terminal, and the table of flows fits it.
has_terminals
needs_sqlite
sample mixed a.pcap
"$PYTHON" -c 'import pty, sys; pty.spawn(sys.argv[1:])' cleave extract a.pcap -o - </dev/null |
    tr -d '\r' | grep -a terminal
for columns in 30 60 90 200; do
    "$PYTHON" - $columns <<'EOF'
import fcntl, os, pty, struct, sys, termios
columns = int(sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('4H', 25, columns, 0, 0))
    os.environ['TERM'] = 'dumb'
    os.execvp('cleave', ['cleave', 'flows', 'a.pcap', '--limit', '2'])
said = b''
while True:
    try:
        said += os.read(fd, 65536)
    except OSError:
        break
print(columns, 'columns: status', os.WEXITSTATUS(os.waitpid(pid, 0)[1]))
lines = said.decode().split('\r\n')
print('\n'.join(line.rpartition('\r')[2] for line in lines).rstrip())
EOF
done
