# SPDX-License-Identifier: BSD-2-Clause
# One zip instead of a directory: by its ending, or asked for; also from a pipe, which is kept.
sample mixed a.pcap
members() {
    "$PYTHON" -c 'import sys, zipfile
for member in zipfile.ZipFile(sys.argv[1]).infolist():
    print(member.filename)' "$1"
}
cleave split a.pcap -o probe.zip -q 2>log || { grep 'built without' log >&2 && skip 'this build has no CRC-32'; }
rm -f probe.zip
try cleave split a.pcap -o out.zip -q
members out.zip
try cleave split a.pcap -o out.zip -q
try cleave split a.pcap -o out.zip -q --force --shards 2
members out.zip
try cleave split a.pcap -o out --archive -q
cmp out out.zip >/dev/null && echo 'the same, though the shards differ'
cat a.pcap | try cleave split - -o piped.zip | grep -v 'took\|MB\|largest'
try cleave split a.pcap --archive -q
try cleave split a.pcap -o x.zip --each
if cleave split a.pcap -o x.zip -q --compress gzip 2>log; then
    cleave split a.pcap -o x.zip --force --compress gzip | grep kept
    members x.zip
    cleave extract x.zip -q --flow 2 -o 2.pcap && cleave split a.pcap -o a -q && cmp 2.pcap a/00000002_*
else
    cat log >&2
    skip 'this build has no zlib'
fi
echo text >text.zip
try cleave split a.pcap -o text.zip --force
ls -A
