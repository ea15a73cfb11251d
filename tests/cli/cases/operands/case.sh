# SPDX-License-Identifier: BSD-2-Clause
sample mixed a.pcap
try cleave split
try cleave split -q
try cleave split a.pcap b.pcap
try cleave info
try cleave generate
try cleave generate synflood extra
try cleave generate nothing
try cleave split -- --no-such-file
names .
# What was meant may be guessed.
mkdir outdir
try cleave split a.pcap outdir
try cleave split a.pcap nodir
cp a.pcap ./-dash.pcap
try cleave split -dash.pcap
cat a.pcap | try cleave split -o p
for letter in r i w c s Y; do
    try cleave split -$letter a.pcap
done
try cleave split -f a.pcap -o out -m connection
try cleave split a.pcap -o out -p 100
for proto in TCP Udp; do
    try cleave split a.pcap --proto $proto --by 5tuple -o $proto -q
done
# One file under two names, or one, would be there twice.
ln a.pcap link.pcap
ln -s a.pcap soft.pcap
try cleave split a.pcap ./a.pcap a.pcap -o none
try cleave split a.pcap soft.pcap -o none --each
try cleave split link.pcap a.pcap -o none --merge
try cleave split a.pcap a.pcap -o none
names .
