# SPDX-License-Identifier: BSD-2-Clause
mkdir folder
echo text >text
mkfifo pipe
"$PYTHON" -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
try cleave split folder
try cleave split socket
try cleave info ''
printf 'no capture comes out of it' >pipe &
try cleave split pipe
wait
try cleave split /dev/null
try cleave split - </dev/null
try cleave split - <folder
try cleave split missing.pcap
try cleave split missing/missing.pcap
try cleave split text/inside.pcap
printf 'nor here' >pipe &
try cleave info folder pipe missing
wait
names .
