# SPDX-License-Identifier: BSD-2-Clause
# A manifest may be anybody's: what cleave would not have written so is refused, by its line.
sample mixed a.pcap
cleave split a.pcap -o csv -q
can_list csv
has_community_ids csv/manifest.csv
cleave split a.pcap -o jsonl -q --manifest jsonl
# alter KIND PYTHON: of the manifest's lines, split at commas for CSV.
alter() {
    printf '# %s\n' "$2" >&2
    rm -rf other && cp -r "$1" other
    "$PYTHON" - "other/manifest.$1" "$2" <<'END'
import os, sys
with open(sys.argv[1], 'rb') as f:
    lines = f.read().decode().splitlines(keepends=True)
cells = [line.rstrip('\n').split(',') for line in lines]
def put(row, column, text):
    cells[row][cells[0].index(column)] = text
    lines[row] = ','.join(cells[row]) + '\n'
path, kept = sys.argv[1], True
exec(sys.argv[2])
if kept:
    with open(path, 'wb') as f:
        f.write(''.join(lines).encode())
END
    try cleave flows other --limit 1
}
alter csv 'put(2, "src", "10.0.0.256")'
alter csv 'put(2, "src", "010.0.0.1")'
alter csv 'put(2, "dport", "65536")'
alter csv 'put(2, "src_packets", "-1")'
alter csv 'put(2, "src_packets", "9223372036854775807")'
alter csv 'put(2, "flow", "1 OR 1")'
alter csv 'put(3, "first", "2026-02-30T00:00:00.000000000Z")'
alter csv 'put(3, "last", "1700000000")'
alter csv 'put(3, "proto", "TCP")'
alter csv 'put(3, "src_tcp_flags", "FF")'
alter csv 'put(3, "initiator", "\x1b[2J")'
alter csv 'put(0, "src", "source")'
alter csv 'cells[0][:2] = ["flow", "file"]; lines[0] = ",".join(cells[0]) + "\n"'
alter csv 'lines[1] = "x," + lines[1]'
alter csv 'lines[1] = "," * 48 + "\n"'
alter csv 'lines[1] = lines[1].replace(",", "\",", 1)'
alter csv 'lines[1] = "\"a\"b" + lines[1]'
alter csv 'lines[1] = "\"" + lines[1]'
alter csv 'lines[1] = "x" * 8192 + lines[1]'
alter csv 'lines[1] = "\0" + lines[1]'
alter csv 'put(2, "file", cells[1][0])'
alter csv 'put(2, "file", "")'
alter csv 'lines[-1] = lines[-1].rstrip()'
alter csv 'del lines[-1]'
alter csv 'del lines[:]'
alter csv 'kept = False; os.unlink(path)'
alter csv 'kept = False; os.unlink(path); os.mkdir(path)'
alter jsonl 'lines[1] = "[1]\n"'
alter jsonl 'lines[1] = "{\"file\":\"x\",\"size\":1}\n"'
alter jsonl 'lines[1] = "{\"file\":\"x\",\"flow\":\"1\"}\n"'
alter jsonl 'lines[1] = "{\"file\":\"x\",\"flow\":1.5}\n"'
alter jsonl 'lines[1] = "{\"file\":\"\"}\n"'
alter jsonl 'lines[1] = "{\"file\":\"x\",\"sport\":70000}\n"'
# A member that somebody has compressed is none of cleave's.
cleave split a.pcap -o a.zip -q 2>/dev/null || skip 'this build has no CRC-32'
pack() {
    printf '# compressed: %s\n' "$1" >&2
    "$PYTHON" - "$1" <<'END'
import sys, zipfile
with zipfile.ZipFile('a.zip') as old, zipfile.ZipFile('other.zip', 'w') as new:
    for name in old.namelist():
        new.writestr(name, old.read(name), zipfile.ZIP_DEFLATED if name == sys.argv[1] else None)
END
    try cleave flows other.zip --limit 1
}
pack manifest.csv
pack cleave.json
