# SPDX-License-Identifier: BSD-2-Clause
# What killed runs left is told, and removed when it is asked for.
sample mixed a.pcap
mkdir .out.cleave-2147483646-0 .out.cleave-2147483645-0
cleave split a.pcap -o out -q 2>log
echo "exit $?"
sed 's/cleave-[0-9]*-0/cleave-@PID@/' log
try cleave split a.pcap -o out -f -q --clean
names . | grep -v /
