# SPDX-License-Identifier: BSD-2-Clause
sample mixed a.pcap
try cleave split a.pcap -o missing/out
try cleave split a.pcap -o a.pcap/out
try cleave split a.pcap -o "$("$PYTHON" -c 'print("x" * 300)')"
try cleave split a.pcap -o "$("$PYTHON" -c 'print("x/" * 3000)')"
names .
