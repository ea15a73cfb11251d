# SPDX-License-Identifier: BSD-2-Clause
# Which records, which flows, and where flows are cut: what becomes of 24 records by each flag.
sample mixed a.pcap
for flags in '--host 192.168.1.1' '--port 443,5000-6000' '--proto udp,icmp' '--vlan 7' \
    '--after 2017-07-14T12:00:00.01Z --before 1500033600.02' '--filter icmp' '--shards 3' \
    '--shards 2 --shard-by ip' '--every 10p' '--every 1h --by flow' '--every 1KiB' \
    '--idle-timeout 10ms' '--active-timeout 5ms' '--max-bytes-per-flow 100' '--snaplen 40'; do
    try cleave split a.pcap --output out --force --quiet $flags
    sed -En 's/^  "(records_written|outputs|written_bytes)"/\1/p' out/cleave.json
done
for flags in '--community-seed 1' '--merge' '--name {n:8}_{key}.pcap' '-b flow -t 2 --memory 1MiB' \
    '--threads 1 --max-open 2 --window 8KiB' '-m csv' '--manifest csv --cache drop' '--directed' \
    '-n {n:8}_{key}.pcap --no-metadata' '--mode 0640 --sync data' '--no-sandbox --clean --sync full'
do
    try cleave split a.pcap --output out --force --quiet $flags
    names out | grep -v manifest | sed -n '$='
done
