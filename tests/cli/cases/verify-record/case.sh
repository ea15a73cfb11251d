# SPDX-License-Identifier: BSD-2-Clause
# The record of the run, by which an output is verified, may be no such thing.
sample mixed a.pcap
cleave split a.pcap -o whole -q
can_verify whole
record() {
    rm -rf out
    cp -r whole out
    alter_receipt out/cleave.json out/cleave.json "$1"
    try cleave verify out
}
record 'said["options"]["colour"] = "red"'
record 'said["options"]["by"] = 7'
record 'said["options"]["shards"] = -1'
record 'said["options"]["format"] = "xml"'
record 'del said["options"]'
record 'said["inputs"] = []'
record 'del said["inputs"][0]["bytes"]'
record 'del said["flows"]'
printf '{' >out/cleave.json
try cleave verify out
rm out/cleave.json
try cleave verify out
mkdir out/cleave.json
try cleave verify out
try cleave verify a.pcap
try cleave verify missing
try cleave verify ''
cleave verify "$("$PYTHON" -c 'print("x/" * 3000)')" 2>&1 | sed 's|[x/]*/: |@LONG@: |' >&2
