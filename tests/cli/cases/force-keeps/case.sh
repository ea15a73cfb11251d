# SPDX-License-Identifier: BSD-2-Clause
# --force replaces what cleave made, as its manifest or its record has it, and nothing else.
sample mixed a.pcap
sample four-flows b.pcap
for manifest in csv jsonl none; do
    for name in '{n}_{key}.pcap' '{proto}/{n}/{input},"x".pcap'; do
        cleave split a.pcap -o out -q --force --manifest $manifest --name "$name" --report out/page.html
    done
    try cleave split b.pcap -o out -q --force
    cleave split a.pcap -o out -q --force --manifest $manifest
    mkdir -p out/analysis/deep out/empty
    echo mine >out/analysis/deep/notes.txt
    ln -s other.pcap out/link
    echo '<html>' >out/my.html
    cleave split b.pcap -o out -q --force 2>log
    # In the order of the directory, which is nobody's.
    sed 's/.*: //; s/, /\n/g' log | sort
    grep -o 'holds .*make' log
    rm -r out/analysis out/empty out/link out/my.html
    cp b.pcap out/mine.pcap
    try cleave split b.pcap -o out -q --force
    cp a.pcap out/mine.pcap
    try cleave split out/mine.pcap -o out -q --force
    try cleave split out/mine.pcap -o out -q --force=all
    try cleave split - -o out -q --force=all <out/mine.pcap
    cleave split - -o out -q --force=all 5<out/mine.pcap </dev/fd/5
    try cleave split /dev/fd/5 -o out -q --force=all 5<out/mine.pcap
    try cleave split b.pcap -o out -q --force=all -f
    names out | grep -c mine
done
mkdir more
cp a.pcap more
for manifest in csv none; do
    cleave split --each a.pcap b.pcap more/a.pcap -o week -q --force --manifest $manifest
    try cleave split --each a.pcap b.pcap -o week -q --force
    try cleave split a.pcap more/a.pcap -o week -q --force
    mkdir week/mine
    try cleave split --each a.pcap more/a.pcap b.pcap -o week -q --force
    rmdir week/mine
    cp b.pcap week/b/mine.pcap
    try cleave split --each a.pcap more/a.pcap b.pcap -o week -q --force
    rm week/b/mine.pcap
    echo mine >week/mine.txt
    try cleave split --each a.pcap more/a.pcap b.pcap -o week -q --force
    rm week/mine.txt
    try cleave split --each a.pcap more/a.pcap b.pcap -o week -q --force
    try cleave split --each b.pcap -o week -q --force=all
    names week | grep -c /cleave.json
done
echo '{}' >week/cleave.json
try cleave split a.pcap -o week -q --force
echo '{}' >out/cleave.json
try cleave split a.pcap -o out -q --force
"$PYTHON" -c 'import os; [os.mkdir("d") or os.chdir("d") for _ in range(200)]' 2>log
mv d out/d
try cleave split a.pcap -o out -q --force=all
try cleave split a.pcap -o out --force=nothing
names . | grep -v /
# A capture that cannot be read is not in the run: what it was once is kept.
cleave split --each a.pcap b.pcap -o days -q
: >b.pcap
try cleave split --each --recover a.pcap b.pcap -o days -q --force
names days | grep -c b/
