# SPDX-License-Identifier: BSD-2-Clause
# On a terminal alone, and not with NO_COLOR: what stands out is looked for, not where.
has_terminals
sample mixed a.pcap
on_a_terminal() {
    env "$1" TERM="${2:-xterm}" "$PYTHON" -c 'import os, pty, sys
def read(fd):
    data = os.read(fd, 4096)
    print("colour" if b"\033[" in data else "plain", flush=True)
    return b""
status = pty.spawn(sys.argv[1:], read)' cleave info "$3" </dev/null | sort -u
}
for file in a.pcap missing.pcap; do
    echo "$file"
    on_a_terminal UNUSED=1 xterm "$file"
    on_a_terminal UNUSED=1 dumb "$file"
    on_a_terminal NO_COLOR=1 xterm "$file"
    on_a_terminal NO_COLOR= xterm "$file"
done
cleave info a.pcap | od -c | grep -c 033
