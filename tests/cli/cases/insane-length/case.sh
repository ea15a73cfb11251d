# SPDX-License-Identifier: BSD-2-Clause
sample four-flows whole.pcap
head -c 24 whole.pcap >a.pcap
cp whole.pcap b.pcap
printf '\001\0\0\0\0\0\0\0\377\377\377\377\377\377\377\377' >>a.pcap
printf '\001\0\0\0\0\0\0\0\001\0\004\0\001\0\004\0' >>b.pcap
head -c 300000 /dev/zero >>b.pcap
for file in a b; do
    try cleave split $file.pcap
    names $file.flows
    try cleave info $file.pcap
done
