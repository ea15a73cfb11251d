# SPDX-License-Identifier: BSD-2-Clause
# A capture that is generated takes its name when it is complete; until then, and where it never is,
# what was there stays.
not_under_valgrind the limit of file sizes
trap '' XFSZ
echo old >old.pcap
echo old >old.csv
try cleave generate traffic -q -o old.pcap --truth old.csv
try sh -c 'ulimit -f 8; exec cleave generate synflood -q -o old.pcap -c 1000 --force'
try sh -c 'ulimit -f 8; exec cleave generate traffic -q -o old.pcap --truth old.csv --force'
try sh -c 'ulimit -f 8; exec cleave generate traffic -q -o new.pcap --truth new.csv'
cat old.pcap old.csv
names .
try cleave generate synflood -q -o new.pcap --force
try cleave generate traffic -q -o same.pcap --truth ./same.pcap
ln -s old.pcap link.pcap
try cleave generate synflood -q -o link.pcap
try cleave generate synflood -q -o link.pcap --force
cmp old.pcap new.pcap
[ -h link.pcap ] && echo 'the link is still there'
# Nothing is lost where a pipe or a device is.
try cleave generate synflood -q -o /dev/null
mkfifo pipe
cat pipe >through.pcap &
try cleave generate synflood -q -o pipe
wait
cmp through.pcap new.pcap
names .
# Stopped, by a signal or for good: the next one removes what a killed run could not.
stop='
import os, signal, subprocess, sys, time
run = subprocess.Popen(["cleave", "generate", "traffic", "--bytes", "100GB", "-o", "large.pcap"])
while not any(n.startswith(".large.pcap") and os.path.getsize(n) for n in os.listdir(".")):
    time.sleep(0.01)
run.send_signal(int(sys.argv[1]))
print("status", run.wait(), "left", len([n for n in os.listdir(".") if "large" in n]))'
"$PYTHON" -c "$stop" 15
"$PYTHON" -c "$stop" 9
try cleave generate synflood -q -o large.pcap
names .
