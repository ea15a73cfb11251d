# SPDX-License-Identifier: BSD-2-Clause
# Formats of outputs, and what becomes of inputs that differ. The bytes are compared elsewhere.
kinds() {
    for file in "$1"/*.pcap*; do
        printf '%s: ' "${file##*/}"
        cleave info "$file" | sed -n 's|, [a-z]*-endian||; s|^ *format *||p'
    done
}
sample mixed us.pcap
sample mixed-big us-big.pcap
sample mixed-ns ns.pcap
sample raw raw.pcap
try cleave split us.pcap -o out --format pcapng
names out
kinds out
cleave split us.pcap -o direct -q
for file in out/*.pcapng; do
    cleave split "$file" -o back -q -f --format pcap --name same.pcap
    name=${file##*/}
    printf '%s: ' "${name%ng}"
    cleave info "direct/${name%ng}" | grep -E '^ *(packets|records|first|last|link type) ' >a
    cleave info back/*.pcap | grep -E '^ *(packets|records|first|last|link type) ' >b
    test -s a && cmp a b && echo the same there and back
done
cleave split us.pcap -o input -q --format input
cleave split us.pcap -o plain -q
diff -r input plain && echo input is the default
cleave split ns.pcap -o ns -q --format pcap
kinds ns
cleave split us-big.pcap ns.pcap -o both --format pcap -q
names both
cut -d, -f 1,8,9,18 both/manifest.csv
cp us.pcap us2.pcap
cleave split us.pcap us2.pcap -o alike -q
cleave split us.pcap ns.pcap -o differ -q
for out in alike differ; do
    grep '"format"' $out/cleave.json | tail -1
done
try cleave split us.pcap raw.pcap -o links
names links
cut -d, -f 1,8,9,18 links/manifest.csv
try cleave split us.pcap -o none --format pcapn
try cleave split us.pcap -o none --format
