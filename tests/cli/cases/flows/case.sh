# SPDX-License-Identifier: BSD-2-Clause
# The table of flows, of captures and of an index: for people and for programs.
needs_sqlite
sample mixed a.pcap
sample tunnels t.pcap
sample no-records n.pcap
cleave index a.pcap -q
cleave flows a.flows.db --csv >manifest
has_community_ids manifest
try cleave flows a.pcap
try cleave flows a.flows.db
try cleave flows a.flows.db --sort bytes --limit 2
for column in packets duration captured_bytes first last src dst sport dport file proto; do
    printf '%s:' $column
    cleave flows a.flows.db --sort $column --csv | sed 1d | cut -d, -f 2 | tr '\n' ' '
    echo
done
try cleave flows a.flows.db --csv
try cleave flows a.flows.db --json --limit 1
try cleave flows a.pcap --json | cut -c 1-60
try cleave flows t.pcap --inner
try cleave flows a.pcap --by hostpair --no-sandbox
try cleave flows a.pcap -b proto --csv
sample tags v.pcap
try cleave flows v.pcap --by vlan,mac
try cleave flows a.pcap --by host
cleave split a.pcap -q --shards 2 -o shards
try cleave flows shards
try cleave flows a.pcap t.pcap --sort packets --limit 3
try cleave flows n.pcap
try cleave flows n.pcap --csv
cat a.pcap | try cleave flows - --limit 1
mkfifo pipe
cat a.pcap >pipe &
try cleave flows pipe --limit 1
wait
head -c 1000 a.pcap >cut.pcap
try cleave flows cut.pcap --limit 1
# What does not fit the width of what is no terminal is there all the same.
COLUMNS=20 try cleave flows a.flows.db --limit 1
try cleave flows -h | sed -n '1,2p; $p'
try cleave flows --help | sed -n '1,2p; $p'
names .
