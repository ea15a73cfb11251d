# SPDX-License-Identifier: BSD-2-Clause
# The manifest is compared byte for byte with the one that the captures make.
sample mixed a.pcap
cleave split a.pcap -o whole -q
has_community_ids whole/manifest.csv
can_verify whole
fault() {
    rm -rf out
    cp -r whole out
    "$PYTHON" - "$1" <<'END'
import sys
with open('out/manifest.csv', newline='') as f:
    text = f.read()
text = eval(sys.argv[1])
with open('out/manifest.csv', 'w', newline='') as f:
    f.write(text)
END
    printf '# %s\n' "$1" >&2
    try cleave verify out -q
}
fault 'text.replace("tcp", "udp", 1)'
fault 'text[:text.rindex("00000004")]'
fault 'text + "more"'
