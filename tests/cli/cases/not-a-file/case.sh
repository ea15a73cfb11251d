# SPDX-License-Identifier: BSD-2-Clause
mkdir folder
echo text >text
mkfifo pipe
try cleave split folder
try cleave split pipe
try cleave split /dev/null
try cleave split missing.pcap
try cleave split missing/missing.pcap
try cleave split text/inside.pcap
try cleave info folder pipe missing
names .
