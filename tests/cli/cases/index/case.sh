# SPDX-License-Identifier: BSD-2-Clause
# An index of a capture: its name, what is said of it, and when an old one is replaced.
needs_sqlite
sample mixed a.pcap
try cleave index a.pcap
try cleave index a.pcap
try cleave index a.pcap -q
try cleave index a.pcap -q --force
mkdir dir
cp a.pcap dir/day.1.pcap
try cleave index dir/day.1.pcap -q
try cleave index a.pcap --json -o json.db >said
sed 1d said | head -n -1 >said.json
is_json said.json
grep -E '"(input|output|records_read|flows|outputs|written_bytes)"' said

# What is no index stays, and so does what an index is made of.
echo text >text
try cleave index a.pcap -o text
try cleave index a.pcap -o text --force
try cleave index a.pcap -o text --force=all
try cleave index a.pcap -o a.pcap --force
try cleave index a.pcap -o dir --force
try cleave index a.pcap -o dir/ --force
try cleave index a.pcap -o missing/a.db
try cleave split a.pcap -o other.db -q
try cleave index a.pcap -o other.db --force
cat text
cleave flows a.flows.db --csv >a
cleave flows a.pcap --csv | cmp - a && echo 'the same table'
cleave split a.pcap -q
cmp a a.flows/manifest.csv && echo 'that of split'
names .
# The largest flows, where these have no addresses or no ends.
for flags in '--every 10ms' '--by port' '--by vlan,mac' '--shards 2'; do
    try cleave index a.pcap $flags -f -o largest.db | sed -n '/^largest/,/^time/p' | grep -v ^time
done
