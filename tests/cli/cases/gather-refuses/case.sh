# SPDX-License-Identifier: BSD-2-Clause
# What cannot be gathered, and what does not belong together.
sample mixed a.pcap
sample related b.pcap
cleave split a.pcap -o a -q
can_verify a
cleave split b.pcap -o b -q
try cleave gather a
try cleave gather -o all
try cleave gather a b a -o all
try cleave gather a nowhere -o all
try cleave gather a/. -o all
try cleave gather a b -o a --force
try cleave gather a b -o none --mode 0400
for output in all.zip dir/all.pcap all.pcapng.gz; do
    try cleave gather a b -o $output
done
mkdir a/deep && try cleave gather a b -o a/all
try cleave gather a b -o a/deep/all -f
rmdir a/deep
try cleave gather a b -o all -q && cleave verify all a.pcap b.pcap
try cleave gather a all -o more
# What needs all flows to be known, or makes no table of them.
for flags in '--each' '--report with/page.html' '--top 1' '--related dns' '--names' '--by name' '--group dns' \
    '--manifest none' '--manifest jsonl --shards 2' '--shards 2 --manifest none' '--by hostpair'; do
    cleave split a.pcap $flags -o with -q --force
    try cleave gather b with -o none
done
