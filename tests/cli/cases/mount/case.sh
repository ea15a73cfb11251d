# SPDX-License-Identifier: BSD-2-Clause
# The directory that split makes, for as long as it is mounted.
needs_fuse really
sample mixed a.pcap
cleave split a.pcap -o tree -q
cleave index a.pcap -o a.db -q
mkdir m
cleave mount a.db m -d -q 2>log || { cat log >&2 && skip 'this user may not mount'; }
fusermount3 -u m
try cleave mount a.db m --daemon --memory 16MiB
try ls m
try diff -r tree m
try sh -c ': >m/new'
try cleave mount a.db m
try fusermount3 -u m
try ls m
mv a.pcap b.pcap
try cleave mount a.db m
try cleave mount a.db m --capture b.pcap --daemon --quiet
try cmp m/other.pcap tree/other.pcap
fusermount3 -u m
try cleave mount -h
try cleave mount a.db m --capture b.pcap -d -q
fusermount3 -u m
# What is mounted may lack what was damaged.
head -c 1000 b.pcap >cut.pcap
cleave index cut.pcap -q -o cut.db 2>log
try cleave mount cut.db m -d
fusermount3 -u m
# In the foreground, until a signal comes; a capture that changes meanwhile is an error.
mv b.pcap a.pcap
serve() {
    : >said # or what the one before has said is taken for this one's
    cleave mount "$1" m 2>said &
    for _ in $(seq 600); do
        ! grep -q mounted said || break
        sleep 0.1
    done
}
unserve() {
    kill -TERM $!
    wait $!
    echo "the mount: $?"
    cat said >&2
}
serve a.db
touch -d 2001-01-01 a.pcap
try cat m/other.pcap
unserve
# An index that says of more than there is.
for sql in 'output_bytes = output_bytes + 1' 'src_packets = src_packets + 1' \
    "positions = x'7f'" 'output_bytes = 25'; do
    needs_sqlite
    alter_index a.db other.db "update outputs set $sql where file = 'other.pcap'"
    serve other.db
    try cat m/other.pcap
    unserve
done
