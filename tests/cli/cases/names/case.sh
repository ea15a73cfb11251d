# SPDX-License-Identifier: BSD-2-Clause
# Templates and the names that they make.
sample mixed day3.pcap
show() {
    printf '%s\n' "--name $1"
    cleave split day3.pcap -o out -f -q --manifest none --name "$1" && names out
}
show '{input}_flow-{n}.pcap'
show '{n:3}-{proto}.pcap'
show '{key}.pcap'
show '{src}_{sport}_to_{dst}_{dport}.pcap'
show '{proto}/{n}.pcap'
show '{proto}/{first}.pcap'
show '{dst}'
show 'same.pcap'
show 'other.pcap'
show '{n}'
try cleave split a.pcap -n 5 -o numbered
