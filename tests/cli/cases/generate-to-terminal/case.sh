# SPDX-License-Identifier: BSD-2-Clause
# Packets do not go onto a terminal.
has_terminals
"$PYTHON" -c 'import pty, sys; pty.spawn(sys.argv[1:])' cleave generate synflood -o - </dev/null |
    tr -d '\r' | grep -a -A1 terminal
