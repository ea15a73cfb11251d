# SPDX-License-Identifier: BSD-2-Clause
# One that cannot be read does not hide the others; the worst status counts.
sample four-flows good
head -c 90 good >cut
echo text >text
try cleave info good cut
try cleave info cut good
try cleave info text cut good
try cleave info cut text missing
try cleave info --list --json a.pcap
