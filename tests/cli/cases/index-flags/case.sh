# SPDX-License-Identifier: BSD-2-Clause
# The flags of index: each flow that is taken out is the file that split makes with the same ones.
needs_sqlite
sample mixed a.pcap
sample tunnels t.pcap
sample tags v.pcap
sample four-flows b.pcap
"$PYTHON" -c 'import zipfile
with zipfile.ZipFile("a.zip", "w") as z:
    z.write("a.pcap")
    z.write("b.pcap")'
check() {
    rm -rf out files
    try cleave index -q -o x.db --force "$@"
    cleave split -q -o files "$@" 2>/dev/null
    cleave extract x.db -q -o out/ && diff -r -x cleave.json files out && ls out | wc -l
}
check a.pcap --by 3tuple
check a.pcap -b hostpair --directed
check t.pcap --inner
check t.pcap --inner --tunnel-port geneve=4789
check a.pcap --shards 2
check a.pcap --shards 2 --shard-by hostpair
check a.pcap --idle-timeout 1ms
check a.pcap --active-timeout 1ms
check a.pcap --max-packets-per-flow 3
check a.pcap --max-bytes-per-flow 100
check a.pcap --min-packets 4
check a.pcap --min-bytes 300
check a.pcap --top 1
check a.pcap --snaplen 40
check a.pcap --community-seed 7
check a.pcap --filter tcp
check a.zip --member 'a*'
check a.pcap --host 192.168.1.10 --port 53,443 --proto udp,tcp
check v.pcap --vlan 1-4094
check a.pcap --after 2017-07-14T12:00:00.01Z --before 2017-07-14T12:00:00.02Z
check a.pcap --every 10ms
check a.pcap --every 3p
check a.pcap --name '{proto}/{n}.pcap'
check a.pcap -n '{n:3}.pcap'
check a.pcap --format pcapng --no-metadata
check a.pcap b.pcap
printf 'dst,dport\n203.0.113.80,443\n' >list.csv
check a.pcap --flows list.csv
check a.pcap --dedup=1h --dedup-ignore tos
check a.pcap --no-other --recover --threads 2 --memory 16MiB --window 1MiB --cache drop
check a.pcap -t 1

try cleave index a.pcap --output y.db --manifest none --mode 0600 --sync full --clean --progress never --no-sandbox --quiet
ls -l y.db | cut -c 1-10
try cleave index a.pcap -f -m jsonl --merge -qo y.db
try cleave index a.pcap --json -fo y.db | grep -E '^[$]|"(input|output|records_read|flows|outputs)"|^exit'
try cleave index -h | sed -n '1,2p; $p'
try cleave index --help | sed -n '1,2p; $p'
