# SPDX-License-Identifier: BSD-2-Clause
# Altered on purpose, each in its way.
sample mixed a.pcap
cleave split a.pcap -o whole -q --verify --report whole/page.html
can_verify whole
try cleave verify whole -q
altered() {
    rm -rf out
    cp -r whole out
    printf '# %s\n' "$*" >&2
    "$@"
    try cleave verify out ${files:-a.pcap} -q 2>log
    sed 's|html: byte [0-9]*|html: byte @N@|' log >&2
}
altered rm out/page.html
altered sed -i 's/<title>/<title>x/' out/page.html
altered sh -c 'echo >>out/page.html'
altered ln -sf /etc/passwd out/page.html
altered sh -c 'rm out/page.html; mkdir -p out/page.html/deep'
altered sh -c 'mv out/manifest.csv kept; ln -s ../kept out/manifest.csv'
altered sed -i 's/"cleave": "/"cleave": "9/' out/cleave.json
altered sed -i 's/"written_bytes": /"written_bytes": 9/' out/cleave.json
altered sed -i 's/"damage": null/"damage": 1/' out/cleave.json
altered sed -i 's/"format": "pcap",/"format": "pcapng",/' out/cleave.json
altered sed -i 's/"records": /"records": 9/' out/cleave.json
altered sed -i 's/"bytes": /"bytes": 9/' out/cleave.json
altered sed -i 's/"records_digest": "./"records_digest": "x/' out/cleave.json
altered sed -i '/"records_read"/i "more": [],' out/cleave.json
altered sed -i '/"copies"/d' out/cleave.json
cp a.pcap b.pcap
files="a.pcap b.pcap"
cleave split --each a.pcap b.pcap -o whole -q -f
altered sed -i 's/"recover": false/"recover": true/' out/cleave.json
altered sed -i 's/"recover": false/"recover": true/' out/b/cleave.json
altered sed -i 's/b.pcap/c.pcap/' out/b/cleave.json
altered sh -c 'rm -r out/b; ln -s ../whole/b out/b'
