# SPDX-License-Identifier: BSD-2-Clause
# Flows of a directory or an archive as one capture, by time, or as one for each.
sample mixed a.pcap
cleave split a.pcap -o flows -q
can_list flows
cleave split a.pcap -o flows.zip -q 2>/dev/null || skip 'this build has no CRC-32'
same() {
    cmp "$1" "$2" && echo "$1 is $2"
}
for result in flows flows.zip; do
    try cleave extract $result -o all.pcap --force
    try cleave extract $result --flow 2 -o one.pcap --force
    same one.pcap "$(ls flows/*2_tcp*)"
    cleave extract $result --flow 2-3 --sort bytes -o two.pcap --force
    cleave extract a.pcap --flow 2-3 -o - | same - two.pcap
    try cleave extract $result --flow 2-3 -o each-$result/
    names each-$result
    try cleave extract $result --flow 99 -o none.pcap
done
try cleave extract flows --proto tcp -o some.zip
cleave extract flows.zip --proto tcp -o other.zip -q
same some.zip other.zip
# One capture is not compressed; each as it is.
if cleave split a.pcap -o packed --compress gzip -q 2>log; then
    cleave extract packed -o - | same - all.pcap
    cleave extract packed --flow 2 -o - | same - one.pcap
    cleave extract packed --flow 2 -o each-packed/ -q
    cmp each-packed/*.gz packed/*2_tcp*.gz && echo 'as it is'
else
    cat log && skip 'this build has no gzip'
fi
try cleave extract flows --flow 2-3 -o "$(ls flows/*2_tcp*)" --force
# What cleave would not have written so is refused, and nothing is made.
first=$(ls flows/*1_udp*) second=$(ls flows/*2_tcp*)
mv "$first" kept
try cleave extract flows --flow 1-2 -o x.pcap
ln -s ../kept "$first"
try cleave extract flows --flow 1 -o x.pcap
rm "$first" && echo 'not a capture, and long enough to be one' >"$first"
try cleave extract flows --flow 1 -o x.pcap
try cleave extract flows --flow 1-2 -o x.pcap
cp "$second" "$first"
try cleave extract flows --flow 1-2 -o x.pcap
head -c 200 kept >"$first"
try cleave extract flows --flow 1-2 -o x.pcap
cp kept "$first"
for name in ../kept /etc/passwd a//b ./x cleave.json; do
    printf '# %s\n' "$name" >&2
    sed "s|^[^,]*1_udp[^,]*,|$name,|" flows/manifest.csv >manifest && cp -r flows bad && cp manifest bad/manifest.csv
    try cleave extract bad --flow 1 -o x.pcap
    rm -r bad
done
"$PYTHON" - <<'END'
with open('flows.zip', 'rb') as f:
    data = bytearray(f.read())
data[200] ^= 1
with open('bad.zip', 'wb') as f:
    f.write(data)
END
try cleave extract bad.zip --flow 1 -o x/
names . | grep '^x'
# Flows that no single classic pcap can hold.
sample raw raw.pcap
cleave split a.pcap raw.pcap -o kinds --format pcap -q
try cleave extract kinds -o x.pcap
