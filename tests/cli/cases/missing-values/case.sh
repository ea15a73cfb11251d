# SPDX-License-Identifier: BSD-2-Clause
sample mixed a.pcap
for flag in --output -o --by -b --name -n --manifest -m --threads -t --memory --max-open \
    --window; do
    try cleave split a.pcap $flag
done
for flag in --output -o --count -c --src --dst --sport --dport --start --interval; do
    try cleave generate synflood $flag
done
try cleave split a.pcap --quiet=yes
try cleave split a.pcap --json=
try cleave generate synflood --pad=1
try cleave info --json=1 a.pcap
names .
