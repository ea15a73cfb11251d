# SPDX-License-Identifier: BSD-2-Clause
# What the summary says where there is more to say than of a plain run.
sample mixed a.pcap
sample fragmented fragments.pcap
sample snapped short.pcap
try cleave split a.pcap --dry-run --manifest none
try cleave split a.pcap -o out --verify
try cleave split a.pcap -o out -f --by host
try cleave split a.pcap -o out -f --min-packets 4
try cleave split a.pcap -o out -f --min-bytes 300 --no-other
try cleave split a.pcap -o out -f --top 1
try cleave split a.pcap -o out -f --filter 'tcp port 443 or arp'
try cleave split a.pcap -o out -f --max-packets-per-flow 3
try cleave split short.pcap -o out -f
try cleave split fragments.pcap -o out -f
"$PYTHON" - <<'END'
with open('fragments.pcap', 'rb') as f:
    data = f.read()
first = 24 + 16 + int.from_bytes(data[32:36], 'little')
with open('orphans.pcap', 'wb') as f:
    f.write(data[:24] + data[first:24 + 3 * (first - 24)])
END
try cleave split orphans.pcap -o out -f
cleave generate traffic --flows 20 --packets 2000 -q
try cleave split traffic.pcap -o out -f --max-open 1 --window 4KiB
try cleave split a.pcap -o out -f --shards 2
try cleave split a.pcap -o out -f --by service
try cleave split a.pcap -o out -f --by hostpair
try cleave split a.pcap -o out -f --every 10p
head -c 1000 a.pcap >cut.pcap
try cleave split cut.pcap --dry-run
cleave generate synflood -q -c 10000 -o many.pcap
try cleave split many.pcap -o many --compress none
try cleave split many.pcap -o many -f --manifest none
ls many | grep -c pcap
