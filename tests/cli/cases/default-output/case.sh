# SPDX-License-Identifier: BSD-2-Clause
# The directory is called after the capture, and made where one stands; each of a rotation has its own. The
# name is one that any file system takes.
mkdir elsewhere
for name in day3.pcap day3.pcap.1 t.pcap t.pcap1 t.pcap2 noending .hidden a.b.c.pcap x.pcap.gz -dash.pcap \
    'dump-12:30.pcap' 'a?"<>|*\b.pcap' 'end .pcap' 'dots..pcap' con.pcap NUL.x.pcap com7.pcap com10.pcap; do
    sample four-flows "elsewhere/$name"
    cleave split -q "elsewhere/$name"
done
ls -A
cleave split -q --each elsewhere/*.pcap* -o each
(cd each && ls -A)
can_verify each
cleave verify each | grep proven
# In two sub-directories: equal names.
mkdir one two
cp elsewhere/t.pcap1 one/t.pcap
cp elsewhere/t.pcap2 two/T.pcap
cp elsewhere/t.pcap2 two/t-2.pcap
cleave split -q --each elsewhere/t.pcap one/t.pcap two/T.pcap two/t-2.pcap -o same
(cd same && ls -A)
cleave verify same | grep proven
cleave split -q 'elsewhere/dump-12:30.pcap' -o in --name '{input}_{n}.pcap'
(cd in && ls -A)
