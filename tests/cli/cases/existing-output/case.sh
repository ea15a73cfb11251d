# SPDX-License-Identifier: BSD-2-Clause
# What is there stays, whatever it is.
sample mixed a.pcap
sample four-flows b.pcap
echo precious >file
mkdir folder empty
echo precious >folder/data
ln -s folder link
ln -s nowhere dangling
for output in file folder empty link dangling; do
    try cleave split a.pcap -o $output
done
for output in file folder link dangling; do
    try cleave split a.pcap -o $output --force
done
try cleave split a.pcap -o empty --force -q
try cleave split a.pcap -o out -q
try cleave split b.pcap -o out -q
try cleave split b.pcap -o out/ -q -f
cp a.pcap out/in.pcap
try cleave split out/in.pcap -o ./out --force
cat file folder/data
names .
