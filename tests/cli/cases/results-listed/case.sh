# SPDX-License-Identifier: BSD-2-Clause
# The flows of a directory and of an archive are those of their manifest.
sample mixed a.pcap
cleave split a.pcap -o flows -q
can_list flows
cleave split a.pcap -o flows.zip -q 2>/dev/null || skip 'this build has no CRC-32'
cleave split a.pcap -o lines -q --manifest jsonl
try cleave flows flows --limit 3
for result in flows flows.zip lines; do
    cleave flows $result --csv | cmp - flows/manifest.csv && echo "$result: the manifest"
    cleave flows $result --json | cmp - lines/manifest.jsonl && echo "$result: its lines"
done
cleave flows flows.zip --proto udp --where 'packets > 1' --csv >some.csv
cleave flows a.pcap --proto udp --where 'packets > 1' --csv | cmp - some.csv && echo 'as of the capture'
# Sub-directories have tables of their own, and the directory above them has none.
cp a.pcap b.pcap
cleave split a.pcap b.pcap --each -o each -q
try cleave flows each
cleave flows each/a --csv | cmp - each/a/manifest.csv && echo 'one of each'
cleave split a.pcap -o bare -q --manifest none
try cleave flows bare
mkdir empty
try cleave flows empty
