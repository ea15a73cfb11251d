# SPDX-License-Identifier: BSD-2-Clause
# Every capture into a sub-directory of its own, as if it were alone.
mkdir north south
sample mixed north/day.pcap
sample four-flows south/day.pcap
sample tags day
sample no-records other.pcap
sample four-flows manifest.csv.pcap
try cleave split --each north/day.pcap south/day.pcap day other.pcap manifest.csv.pcap -o out
names out
is_json out/cleave.json
compare() {
    cleave split "$1" -o alone -q -f
    diff -r -x cleave.json alone "out/$2" && echo "$2 as alone"
}
compare north/day.pcap day
compare south/day.pcap day-2
compare day day-3
try cleave split --each day
names day.flows

head -c 200 north/day.pcap >cut.pcap
try cleave split --each cut.pcap south/day.pcap -o damaged
names damaged
try cleave split --each day missing south/day.pcap -o none
echo text >text
try cleave split --each day text -o none
try cleave split --each day south/day.pcap -o out
try cleave split --each day south/day.pcap -o out --force=all -q
try cleave split --each day south/day.pcap -o out --force all -q
names out | grep -v /
names . | grep none
exit 0
