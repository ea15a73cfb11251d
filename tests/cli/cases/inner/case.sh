# SPDX-License-Identifier: BSD-2-Clause
# The addresses in a tunnel make the flow, whatever the tunnel is.
sample tunnels a.pcap
try cleave split a.pcap -o outer
names outer
try cleave split a.pcap -o inner --inner
names inner
cut -d, -f 1,3-9 inner/manifest.csv
try cleave split a.pcap -o inner --inner --by 3tuple -f -q
names inner
# A port that was given to another kind of tunnel.
try cleave split a.pcap -o inner --inner --tunnel-port geneve=4789 -f -q
names inner
sample mixed b.pcap
cleave split b.pcap -o plain -q
cleave split b.pcap -o same -q --inner
diff -r -x cleave.json -x manifest.csv plain same && echo without tunnels the same
