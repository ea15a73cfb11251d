# SPDX-License-Identifier: BSD-2-Clause
# The directory is called after the capture, and made where one stands.
mkdir elsewhere
for name in day3.pcap day3.pcap.1 noending .hidden a.b.c.pcap; do
    sample four-flows "elsewhere/$name"
    cleave split -q "elsewhere/$name"
done
ls -A
