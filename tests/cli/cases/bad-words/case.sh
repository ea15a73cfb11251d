# SPDX-License-Identifier: BSD-2-Clause
sample mixed a.pcap
try cleave split a.pcap --by ports
try cleave split a.pcap --by ''
try cleave split a.pcap --by ip/33
try cleave split a.pcap --by client/24,64,64
try cleave split a.pcap --by mac/24
try cleave split a.pcap --port nowhere
try cleave split a.pcap --tunnel-port vxlan=4790
try cleave split a.pcap --inner --tunnel-port vxlan=4790,ipsec=4500
try cleave split a.pcap --inner --tunnel-port gtp=65536
try cleave split a.pcap --inner --tunnel-port "$(seq -f gtp=%g -s, 17)"
try cleave split a.pcap --by flow,
try cleave split a.pcap --manifest xml
try cleave split a.pcap --manifest ''
try cleave split a.pcap --manifest cs
try cleave split a.pcap --cache warm
try cleave split a.pcap --output ''
try cleave split a.pcap --output .
try cleave split a.pcap --output ..
try cleave split a.pcap --output /
try cleave split ''
names .
# A second list would silently take the place of the first.
try cleave split a.pcap --host 10.0.0.1 --host 10.0.0.2
try cleave split a.pcap --by ip -b port
try cleave extract a.pcap --after 2026-01-01T00:00:00Z --after 2026-01-02T00:00:00Z -o b.pcap
