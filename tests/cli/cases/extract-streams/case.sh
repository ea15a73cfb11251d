# SPDX-License-Identifier: BSD-2-Clause
# Captures that can only be read from the beginning, and kinds of packets that fit no one file.
needs_sqlite
sample mixed a.pcap
sample four-flows b.pcap
sample cooked c.pcap
sample mixed-ns ns.pcap
cleave split a.pcap -q
"$PYTHON" -c 'import gzip
open("a.pcap.gz", "wb").write(gzip.compress(open("a.pcap", "rb").read(), mtime=0))'
if cleave index a.pcap.gz -q 2>/dev/null; then
    cleave extract a.flows.db --flow 3 -q -o packed.pcap
    cmp packed.pcap a.flows/00000003_*
fi
try cleave index a.pcap b.pcap --merge -q -o merged.db
try cleave extract merged.db --flow 3 -o merged.pcap
try cleave extract merged.db -q -o all.pcap
cleave split a.pcap b.pcap --merge --by none --no-other -q -o none
wc -c <all.pcap
try cleave extract merged.db -o each/
try cleave extract merged.db -o each.zip
try cleave extract a.pcap b.pcap -o each/ -q
names each | wc -l
for second in c ns; do
    try cleave index a.pcap $second.pcap -q -f -o mixed.db
    try cleave extract mixed.db -o mixed.pcap
    try cleave index a.pcap $second.pcap -q -f --format pcapng -o mixed.db
    try cleave extract mixed.db -o mixed.pcapng
    try cleave split mixed.pcapng -q -f -o both
    rm mixed.pcapng
done
names . | grep -v /
