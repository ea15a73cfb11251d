# SPDX-License-Identifier: BSD-2-Clause
for value in 0 -1 x 281474976710657 1k; do
    try cleave generate synflood --count "$value"
done
for value in 0 65536 http; do
    try cleave generate synflood --sport "$value"
    try cleave generate synflood --dport "$value"
done
for value in 1.2.3 1.2.3.256 ::1 host ''; do
    try cleave generate synflood --src "$value"
    try cleave generate synflood --dst "$value"
done
for value in -1s 1.5s 1y s '' 9999999999h; do
    try cleave generate synflood --start "$value"
    try cleave generate synflood --interval "$value"
done
try cleave generate synflood --start 4294967295s
try cleave generate synflood --count 1000000 --interval 24h
try cleave generate synflood --rate 10000000
try cleave generate synflood --rate 10000000 --nanoseconds -q -o fast.pcap
try cleave generate traffic -o same --truth same
try cleave generate traffic -o - --truth -
try cleave generate traffic -q -o good.pcap --flows 3 --packets 9
try cleave generate traffic --force -o good.pcap --truth missing/truth.csv
try cleave generate traffic --force -o good.pcap --truth ./good.pcap
[ -s good.pcap ] && echo 'good.pcap is as it was'
names .
