# SPDX-License-Identifier: BSD-2-Clause
# Link types that libpcap has no name for are written all the same, and raw IP is one link type
# whatever its number.
sample mixed 1.pcap
sample unnamed-link 65000.pcap
for link in 12 14 101; do
    sample raw-$link $link.pcap
done
links() {
    "$PYTHON" -c 'import struct, sys
for name in sys.argv[1:]:
    print(name, struct.unpack("=I", open(name, "rb").read()[20:24])[0])' "$@"
}
try cleave split 1.pcap 65000.pcap -o known -q --verify --shards 2
(cd known && links ./*.pcap)
try cleave split 12.pcap 14.pcap 101.pcap -o raw -q --verify --shards 1
(cd raw && links ./*.pcap)
try cleave split 12.pcap 14.pcap 101.pcap -o filtered -q --verify --filter udp --shards 1
(cd filtered && links ./*.pcap)
try cleave split 12.pcap 14.pcap 101.pcap -o blocks -q --verify --format pcapng --shards 1
names blocks
