# SPDX-License-Identifier: BSD-2-Clause
# Names from outside are shown, quoted and written so that nothing interprets them.
name=$(printf 'a "quoted", \033[31mred\\ and\nnew.pcap')
sample mixed "$name"
try cleave split "$name" -o 'an output, with "quotes"' --name '{input}, {n}.pcap'
has_community_ids 'an output, with "quotes"/manifest.csv'
cat 'an output, with "quotes"/manifest.csv'
cleave split "$name" -o out --json >a.json
is_json a.json
is_json out/cleave.json
cleave info --json "$name" >b.json
is_json b.json
try cleave info "$name"
try cleave split "$(printf 'no\nsuch')"
# What changes the text around it, and what a spreadsheet takes for a formula.
for name in $(printf 'a\302\233b.pcap a\342\200\256b.pcap a\342\200\250b.pcap =1+1.pcap @a.pcap -a.pcap'); do
    sample mixed "./$name"
    cleave split "./$name" -o marks -q --force=all --name '{input}-{n}.pcap'
    sed -n 2p marks/manifest.csv | cut -d , -f 1
    cleave split --each "./$name" -o marks -q --force=all
    names marks | head -n 2
    cleave info "./missing $name"
done
