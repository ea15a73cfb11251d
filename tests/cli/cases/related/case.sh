# SPDX-License-Identifier: BSD-2-Clause
# Which flow led to which, groups of these, and names.
# table MANIFEST: what is known of flows, row by row.
table() {
    "$PYTHON" - "$1" <<'EOF'
import csv, sys
for row in csv.DictReader(open(sys.argv[1], newline='')):
    some = [row.get(c) for c in ('flow', 'proto', 'dport', 'master', 'relation', 'lag', 'group', 'lookup', 'led', 'name',
                                 'name_from', 'app')]
    print(' '.join('-' if v == '' else v for v in some if v is not None))
EOF
}
sample related a.pcap
try cleave split a.pcap -o flows --related all --verify 2>&1 | grep -v took
table flows/manifest.csv
try cleave split -q a.pcap -o some --related ftp,icmp --dns-window 1h
table some/manifest.csv
try cleave split -q a.pcap -o late --related dns,http --dns-window 1ms --http-window 1ms
table late/manifest.csv
try cleave split -q a.pcap -o groups --group all
table groups/manifest.csv
try cleave verify -q groups a.pcap
names groups
try cleave split a.pcap -o counted --related all --name '{name}-{n}' 2>&1 | grep '^related '
try cleave split -q a.pcap -o named --names --name '{name}/{n}'
names named
try cleave split -q a.pcap -o shards --group all --shards 2
names shards
try cleave split -q a.pcap --by name -o hosts
names hosts
try cleave verify -q hosts a.pcap
try cleave index -q a.pcap -o a.db --group dns,http --names --dns-window 1min --http-window 1min
try cleave flows a.db --csv | cut -d, -f1,23-
try cleave index -q a.pcap -o b.db --related all
try cleave flows b.db --sort group --csv --where '"group" = 1' | cut -d, -f1,23-
try cleave flows flows --sort lag --limit 2 --json | cut -c1-60
try cleave flows a.pcap --related all
try cleave flows a.pcap --names --limit 2
try cleave flows flows --names
try cleave flows a.pcap --group all --csv | cut -d, -f1,23-
try cleave extract a.pcap --group all --where "name = 'www.example.com'" -o page.pcap
try cleave extract a.pcap --related all --names --where "relation = 'ftp'" -o data.pcap
for sql in "name = 'www.example.com'" 'vlan = 1' "community_id = '' or part = 1"; do
    try cleave flows a.pcap --where "$sql"
done
for flags in '--related nothing' '--related dns,' '--related all --group all' '--related all --by host' \
    '--names --top 2' '--by name --group all' '--names --by ip/24,proto,port' '--name {name} --top 2' '--related all --shards 2' '--group all --every 60s --by flow' '--group dns --directed'; do
    try cleave split a.pcap -o out $flags
done
try cleave split -q a.pcap -o none --dns-window 1min
try cleave index -q a.pcap -o none --http-window 1min
for flags in --names '--related dns,icmp' '--group sip'; do
    try cleave split -q a.pcap -o none --http-window 1min $flags
done
