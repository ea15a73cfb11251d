# SPDX-License-Identifier: BSD-2-Clause
# A name that no file system takes is an error, not half a directory.
sample mixed a.pcap
try cleave split a.pcap --name "$("$PYTHON" -c 'print("x" * 170)')-{key}-{key}.pcap"
names .
