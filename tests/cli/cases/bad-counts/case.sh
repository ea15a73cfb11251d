# SPDX-License-Identifier: BSD-2-Clause
sample mixed a.pcap
for value in 0 -1 '' ' 1' 1x 1k 0x10 1.5 1025 99999999999999999999999; do
    try cleave split a.pcap --threads "$value"
done
for value in 0 -5 1048577 many; do
    try cleave split a.pcap --max-open="$value"
done
try cleave split a.pcap -t0
names .
