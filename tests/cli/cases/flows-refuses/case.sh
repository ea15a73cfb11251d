# SPDX-License-Identifier: BSD-2-Clause
# Values that choose nothing sensible, and results that are none.
needs_sqlite
sample mixed a.pcap
cleave index a.pcap -q
for value in x 1- 3-1 1,,2 99999999999999999999 -1 ''; do
    try cleave flows a.flows.db --flow "$value"
done
for value in x 10.0.0.0/33 ''; do
    try cleave flows a.flows.db --host "$value"
done
for value in nowhere 70000 ''; do
    try cleave flows a.flows.db --port "$value"
done
for value in nothing 256 ''; do
    try cleave flows a.flows.db --proto "$value"
done
for value in x 1:o4AYeZirUtQEhLK+fn4Ich2lRms 1:o4AYeZirUtQEhLK+fn4Ich2lRms=, ''; do
    try cleave flows a.flows.db --community-id "$value"
done
for value in tomorrow ''; do
    try cleave flows a.flows.db --after "$value"
    try cleave flows a.flows.db --before "$value"
done
for value in 0 x; do
    try cleave flows a.flows.db --limit $value
done
for value in size packet id "flow; drop table outputs" ''; do
    try cleave flows a.flows.db --sort "$value"
done
try cleave flows a.flows.db --flows missing
try cleave flows a.flows.db --flows .
many=$("$PYTHON" -c 'print("1," * 60000 + "1")')
cleave flows a.flows.db --flow "$many"
echo "exit $?"
try cleave flows a.flows.db --csv --json
try cleave flows a.flows.db --by hostpair
try cleave flows a.flows.db --inner
try cleave flows a.pcap --by nothing
try cleave flows a.flows.db a.flows.db
try cleave flows a.pcap a.flows.db
cleave split a.pcap -q -o one && cleave split a.pcap -q -o two.zip
try cleave flows one two.zip
try cleave flows a.pcap two.zip
try cleave flows a.pcap --related dns --related http
try cleave flows a.pcap --group dns --group http
# What the flows do not have.
for column in name vlan; do
    try cleave flows a.pcap --sort $column
done
for flags in '--by none --host 10.0.0.1' '--by ip --port 443' '--by mac --proto tcp' '--by name --host 10.0.0.1' \
    '--by host --community-id 1:LQU9qZlK+B5F3KDmev6m5PMibrg='; do
    try cleave flows a.pcap $flags
done
cleave split a.pcap --shards 2 -q -o shards && try cleave flows shards --host 10.0.0.1 --invert
try cleave flows missing
try cleave flows
echo text >text
try cleave flows text
[ -c /dev/full ] || skip 'there is no /dev/full'
for flag in '' --csv --json; do
    cleave flows a.pcap $flag >/dev/full
    echo "exit $?"
done
