# SPDX-License-Identifier: BSD-2-Clause
# Packets do not go onto a terminal, and the table of flows fits it.
has_terminals
needs_sqlite
sample mixed a.pcap
"$PYTHON" -c 'import pty, sys; pty.spawn(sys.argv[1:])' cleave extract a.pcap -o - </dev/null |
    tr -d '\r' | grep -a terminal
for columns in 30 60 90 200; do
    on_terminal $columns env TERM=dumb cleave flows a.pcap --limit 2 >said
    echo "$columns columns: status $?"
    sed 's/\r*$//; s/.*\r//' said
done
