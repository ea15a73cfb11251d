# SPDX-License-Identifier: BSD-2-Clause
# Compressed captures, by what is in them and not by their names.
sample mixed a.pcap
head -c 700 a.pcap >a.1
tail -c +701 a.pcap >a.2
cleave split a.pcap -o whole -q
as_whole() {
    diff -r -x cleave.json whole "$2" || echo "$1: differs"
}
for tool in gzip zstd xz bzip2 lz4; do
    command -v $tool >/dev/null || continue
    $tool -c <a.pcap >packed 2>log || continue
    cleave info packed 2>&1 | grep -q 'this build does not read' && continue
    cleave split packed -o out -q -f
    as_whole $tool out
    is_json out/cleave.json >/dev/null || echo "$tool: no JSON"
    cleave split - -o out -q -f <packed
    as_whole "$tool, a file on standard input" out
    cat packed | cleave split - -o out -q -f
    as_whole "$tool, a pipe" out
    ($tool -c <a.1; $tool -c <a.2) >joined
    cleave split joined -o out -q -f
    as_whole "$tool, in two parts" out
    head -c "$(($(wc -c <packed) - 1))" packed >cut
    cleave split cut -o out -q -f 2>log
    echo "exit $?" >>log
    grep -q '^exit 1$' log || { echo "$tool, the last byte is missing:"; cat log; }
done

# Compressed without compressing: the bytes are the same everywhere.
"$PYTHON" - <<'END'
import struct, zlib
data = open('a.pcap', 'rb').read()
pack = zlib.compressobj(0, zlib.DEFLATED, -15)
body = pack.compress(data) + pack.flush()
open('a.pcap.gz', 'wb').write(b'\x1f\x8b\x08\0\0\0\0\0\0\3' + body +
                              struct.pack('<II', zlib.crc32(data), len(data)))
END
cleave info a.pcap.gz 2>&1 | grep 'this build does not read' >&2 && skip 'no library for gzip'
try cleave split a.pcap.gz
diff -r -x cleave.json whole a.flows && echo the same
try cleave info a.pcap.gz
head -c 600 a.pcap.gz >cut.pcap.gz
try cleave split cut.pcap.gz
names cut.flows
head -c 585 a.pcap >plain.pcap
cleave split plain.pcap -o plain -q 2>/dev/null
diff -r -x cleave.json plain cut.flows && echo as from as many bytes
head -c 5 a.pcap.gz >head.pcap.gz
try cleave split head.pcap.gz -o none
(cat a.pcap.gz; echo rubbish) >behind.pcap.gz
try cleave split behind.pcap.gz
names . | grep none
exit 0
