# SPDX-License-Identifier: BSD-2-Clause
# The page appears with the outputs, beside them or among them, and replaces nothing unasked.
sample mixed a.pcap
mkdir folder
try cleave split a.pcap -o out -q --report page.html
try cleave split a.pcap -o within -q --report within/page.html
try cleave verify within -q
try cleave split a.pcap -q --dry-run --report dry.html
try cleave split a.pcap -o other -q --report page.html
try cleave split a.pcap -o out -q --report page.html --force
try cleave split a.pcap -o other -q --report -
try cleave split a.pcap -o other -q --report each.html --each
try cleave split a.pcap -o other -q --report folder
try cleave split a.pcap -o other -q --report folder/
try cleave split a.pcap -o other -q --report missing/page.html
try cleave split a.pcap -o other -q --report other/manifest.csv
try cleave split a.pcap -o other -q --report a.pcap --force
try cleave split a.pcap -o other -q --report other
try cleave split a.pcap -o other -q --report other/page.html --dry-run
for page in page.html within/page.html dry.html; do
    grep -c '<script type="application/json"' "$page"
done
names . | grep -v 'pcap$'
