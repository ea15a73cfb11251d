# SPDX-License-Identifier: BSD-2-Clause
# Bytes are missing within a record: it is read together with what follows. Those behind are found.
sample mixed a.pcap
for at in 171 300 319 430 615; do
    (head -c $at a.pcap; tail -c +$((at + 51)) a.pcap) >hole.pcap
    cleave split hole.pcap -o out --recover -f --json 2>log >summary.json
    echo "without 50 bytes from byte $at on: exit $?"
    lost=$((24 - $(sed -n 's/.*"records_read": \([0-9]*\),/\1/p' summary.json)))
    [ $lost -le 5 ] || echo "$lost of 24 records are lost"
done
