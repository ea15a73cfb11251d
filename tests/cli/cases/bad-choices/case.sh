# SPDX-License-Identifier: BSD-2-Clause
# Flags that exclude or need each other, and lists with what cannot be chosen.
sample mixed a.pcap
for flags in '--dry-run --verify' '--merge --each' '--shard-by ip' '--shards 4 --shard-by ip --by flow' \
    '--json --manifest -' '--shards 4 --by host' '--shards 4 --by connection' \
    '--shards 4 --idle-timeout 60s' '--shards 4 --by none' '--shards 4 --top 2' '--by host --top 2' \
    '--after 1000 --before 1000' '--shards 2 --shard-by nothing' '--by flow,none' '--by name,ip' \
    '--by host,ip' '--by host,connection' '--by client,connection' '--mode 0440' \
    '--each --manifest -' '--each --manifest jsonl:-' '--directed --by vlan' \
    '--directed --every 10m'; do
    try cleave split a.pcap -o out $flags
done
for flags in '--host 10.0.0' '--host 10.0.0.0/33' '--host ::1/x' '--host 10.0.0.1,' '--port 70000' \
    '--port 90-80' '--port no-such' '--proto tcpp' '--proto 256' '--vlan 4096' '--vlan -1'; do
    try cleave split a.pcap -o out $flags
done
try cleave split a.pcap -o out --filter nothing 2>&1 | sed 's/--filter: .* (link/--filter: @LIBPCAP@ (link/'
try cleave split - - -o out </dev/null
not_utf8=$(printf 'a\377b')
try cleave split a.pcap -o out --name "$not_utf8" 2>&1 | LC_ALL=C tr '\377' '?'
try cleave split a.pcap -o out --filter "$not_utf8" 2>&1 | LC_ALL=C tr '\377' '?'
names .
