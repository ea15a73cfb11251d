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
for value in -1s 1.5s 1d s '' 9999999999h; do
    try cleave generate synflood --start "$value"
    try cleave generate synflood --interval "$value"
done
try cleave generate synflood --start 4294967295s
try cleave generate synflood --count 1000000 --interval 24h
names .
