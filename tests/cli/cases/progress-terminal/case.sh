# SPDX-License-Identifier: BSD-2-Clause
# On a terminal progress is one line, which is gone before the summary comes: also on narrow ones. On
# one that is dumb there is none.
has_terminals
cleave generate traffic -q --flows 2000 --packets 200000 -o a.pcap
for terminal in xterm:24 xterm:40 xterm:80 dumb:80; do
    term=${terminal%:*} columns=${terminal#*:}
    on_terminal "$columns" env TERM="$term" NO_COLOR=1 cleave split a.pcap -o "out$term$columns" >said
    echo "$term $columns columns: status $?"
    "$PYTHON" - "$term" "$columns" <<'EOF'
import sys
term, columns = sys.argv[1], int(sys.argv[2])
said = open('said', 'rb').read()
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
