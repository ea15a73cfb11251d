# SPDX-License-Identifier: BSD-2-Clause
# A near word is suggested; a file's name is a split that lacks its command.
try cleave splitt
try cleave inof
try cleave xyzzy
try cleave capture.pcap
try cleave ./capture
try cleave help nothing
try cleave --no-such
try cleave "$(printf 'a\033[31mb')"
try cleave ''
