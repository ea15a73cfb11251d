# SPDX-License-Identifier: BSD-2-Clause
# Each kind of value, and what is said where it is another.
sample mixed a.pcap
for value in tomorrow 2026-13-01T00:00:00Z 2026-11-22 ''; do
    try cleave split a.pcap --after "$value"
    try cleave split a.pcap --before "$value"
done
for value in 60 0s 5x p ''; do
    try cleave split a.pcap --every "$value"
done
for value in 0 8 0888 1777 rw-r--r-- ''; do
    try cleave split a.pcap --mode "$value"
done
for flag in --top --min-packets --max-packets-per-flow; do
    try cleave split a.pcap $flag 0
done
for flag in --min-bytes --max-bytes-per-flow; do
    try cleave split a.pcap $flag 1x
done
try cleave split a.pcap --shards 65537
try cleave split a.pcap --snaplen 262145
try cleave split a.pcap --community-seed 65536
try cleave split a.pcap --idle-timeout 1y
try cleave split a.pcap --active-timeout 0
for flag in --format --compress --sync --progress; do
    try cleave split a.pcap $flag no
done
names .
