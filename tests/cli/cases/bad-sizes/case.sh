# SPDX-License-Identifier: BSD-2-Clause
sample mixed a.pcap
for value in 0 1 1048575 1023KiB 64Mib 64MIB MiB -1MiB '1 MiB' 1.5GiB 65TiB 99999999TiB; do
    try cleave split a.pcap --memory "$value"
done
for value in 4095 0 5GiB 3k 4GiB; do
    try cleave split a.pcap --window "$value"
done
names .
