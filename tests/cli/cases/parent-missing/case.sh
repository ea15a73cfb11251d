# SPDX-License-Identifier: BSD-2-Clause
sample mixed a.pcap
try cleave split a.pcap -o missing/out
try cleave split a.pcap -o made/for/it/out --parents -q
try cleave split a.pcap -o made/too/a.zip --parents -q
try cleave split a.pcap -o made/here/a.pcap --parents -q
try cleave split a.pcap -o "$PWD/made//there/out/" --parents -q
# What was made is gone, if the run fails.
try cleave split a.pcap -o gone/far/out --parents -q --report nowhere/page.html
try cleave split a.pcap -o made/gone/out --parents -q --report nowhere/page.html
try cleave split a.pcap -o a.pcap/b/out --parents -q
try cleave split a.pcap -o gone/one.pcap --parents --host 192.0.2.77 -q
cleave split a.pcap -o dry/out --parents -q --dry-run
names made | grep -v pcap$
names . | grep -e gone -e dry -e nowhere
try cleave split a.pcap -o a.pcap/out
try cleave split a.pcap -o "$("$PYTHON" -c 'print("x" * 300)')"
try cleave split a.pcap -o "$("$PYTHON" -c 'print("x/" * 3000)')"
names .
