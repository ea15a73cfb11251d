# SPDX-License-Identifier: BSD-2-Clause
# A directory that somebody else made: what its cleave.json says is not trusted.
sample mixed a.pcap
cleave split a.pcap -o out -q
can_verify out
cp out/cleave.json true.json
record() {
    alter_receipt true.json out/cleave.json "$1"
}
# Captures that are not named: nothing but regular files is opened, and nothing of them is shown.
mkfifo fifo
printf 'secret' >secret
for file in fifo secret missing /dev/zero; do
    record "said['inputs'][0]['file'] = '$file'"
    try cleave verify out
done
record "said['inputs'][0]['file'] = 'secret'"
try cleave verify out a.pcap -q
record "said['options']['recover'] = True
said['damage'] = {'byte': 0, 'record': 0, 'what': 'x'}
said['inputs'].append({'file': 'secret', 'bytes': 6, 'records': 0, 'left_out': 'x'})"
try cleave verify out -q
# Names of hosts are not looked up.
for filter in 'host example.invalid' 'port 80 and example' 'ether host gw' 'net 10/8 or dst face:' \
    'len-4 > 5' 'proto \\x.y'; do
    record "said['options']['filter'] = '$filter'"
    try cleave verify out a.pcap -q
done
# Longer than a record can be, and of more values than it can have.
record "said['inputs'][0]['file'] = 'x' * (17 << 20)"
try cleave verify out
record "said['inputs'] = [0] * 2000000"
try cleave verify out
# No link is followed.
rm out/cleave.json
ln -s ../true.json out/cleave.json
try cleave verify out
rm out/cleave.json
cp true.json out/cleave.json
# What says which captures words stand for, where there are no words.
for flags in --recursive '--member x' '--sort time'; do
    try cleave verify out $flags
done
try cleave verify out --sort given -q
# A part of a whole, and a place from where the captures are not found.
cp a.pcap b.pcap
cleave split --each a.pcap b.pcap -o each -q
cleave verify each/a 2>log
sed 's|verify /.*/each|verify @HERE@/each|' log >&2
cd out && try cleave verify .
