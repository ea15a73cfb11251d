# SPDX-License-Identifier: BSD-2-Clause
# The whole line is checked before anything is done.
sample mixed a.pcap
try cleave split --outptu o a.pcap
try cleave split --out o a.pcap
try cleave split --jsno a.pcap
try cleave split --xyzzy a.pcap
try cleave split -x a.pcap
try cleave split -qx a.pcap
try cleave split a.pcap --xyzzy
try cleave info --jso a.pcap
try cleave generate synflood --nosuchthing
try cleave split "$(printf -- '--a\tb')" a.pcap
try cleave split --=x a.pcap
names .
