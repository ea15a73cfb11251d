# SPDX-License-Identifier: BSD-2-Clause
# With --recursive all words are captures, or directories of them: a result is refused.
needs_sqlite
sample mixed a.pcap
mkdir -p top/below
cp a.pcap top/below
cleave index a.pcap -q -o i.db
cleave split a.pcap -q -o out
cleave split a.pcap -q -o out.zip
for result in i.db out out.zip; do
    try cleave flows $result --recursive
    try cleave extract $result --recursive -q -o one.pcap
done
try cleave flows top --recursive --limit 1
try cleave extract top a.pcap --recursive -q -o one.pcap
try cleave flows nothing --recursive
names .
