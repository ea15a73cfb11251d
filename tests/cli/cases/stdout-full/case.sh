# SPDX-License-Identifier: BSD-2-Clause
# Words that do not arrive are a failure, also when all else went well.
[ -c /dev/full ] || skip 'there is no /dev/full'
sample mixed a.pcap
for words in '--help' '--version' 'help split' 'info a.pcap' 'info --json a.pcap' \
    'generate synflood' 'split a.pcap -o one' 'split a.pcap -o two --json' \
    'split a.pcap --dry-run'; do
    try sh -c "cleave $words >/dev/full"
done
