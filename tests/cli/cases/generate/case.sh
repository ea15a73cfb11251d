# SPDX-License-Identifier: BSD-2-Clause
# libpcap writes the machine's byte order.
native() {
    sed 's/, big-endian, /, little-endian, /'
}
try cleave generate synflood
try cleave generate synflood
try cleave generate synflood --force --count 1 -q
try cleave info synflood.pcap | native
try cleave generate synflood -o "a file" -c 3 --start 2h --interval 1ns --nanoseconds --pad
try cleave info 'a file' | native
try cleave generate synflood --output missing/a.pcap
mkdir folder
try cleave generate synflood --output folder
try cleave generate synflood --output folder --force
names .
