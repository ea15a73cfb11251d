# SPDX-License-Identifier: BSD-2-Clause
# What killed runs of extract left is reported, and removed when it is asked for.
needs_sqlite
sample mixed a.pcap
mkdir .each.cleave-2147483646-0
: >.all.zip.cleave-2147483646-0
for to in one.pcap each/ all.zip; do
    try cleave extract a.pcap -q -o $to
    rm -r $to
    try cleave extract a.pcap -q -o $to --clean
done
names . | grep -v /
