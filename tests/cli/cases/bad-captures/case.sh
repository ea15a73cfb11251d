# SPDX-License-Identifier: BSD-2-Clause
# Captures that cannot be read among others: all are named, and with --skip-bad left out; what is empty
# always is.
sample mixed a.pcap
cp a.pcap b.pcap
: >empty.pcap
head -c 20 a.pcap >short.pcap
echo 'no capture at all, is it? no' >text.pcap
printf '\001' | cat - a.pcap >magic.pcap
head -c 1000 a.pcap >cut.pcap
head -c 1500 a.pcap >cut2.pcap
bad='empty.pcap short.pcap text.pcap magic.pcap missing.pcap'
try cleave split a.pcap $bad b.pcap -o none
try cleave split $bad --skip-bad -o none
try cleave split empty.pcap -o none
try cleave split empty.pcap text.pcap a.pcap -o none
try cleave split empty.pcap a.pcap b.pcap -o one
for how in '' --merge --each --verify --archive --recover; do
    echo "skip $how"
    cleave split $how a.pcap $bad b.pcap --skip-bad -o "out$how" >log 2>err
    echo "exit $?"
    sed -n '/^read/p; /^left out/p' log
    cmp err outerr 2>/dev/null || cp err outerr
done
cat outerr
find out--each -name 'manifest.csv' | sort
can_verify out
for how in '' --merge --each --archive; do cleave verify "out$how"; done | grep proven
cleave verify one | grep proven
try cleave verify out a.pcap $bad b.pcap | grep proven
: | cleave split a.pcap - b.pcap -q -o pipe
mkfifo fifo
: >fifo &
try cleave split a.pcap fifo -q -o empty-fifo
mkdir night
cp a.pcap cut.pcap $(ls empty.pcap short.pcap text.pcap) night
try cleave split night -q -o none
try cleave split night -q -o night-out --skip-bad
try cleave verify night-out night | grep proven
# What could not be read then is whole now, or the other way round.
cp a.pcap empty.pcap
try cleave verify out >log
try cleave verify out--each >log
: >empty.pcap
try cleave verify one a.pcap b.pcap empty.pcap >log
try cleave verify one a.pcap empty.pcap b.pcap >log
# Two that are damaged are both named, wherever.
for how in '' --merge --each; do
    cleave split $how a.pcap cut.pcap b.pcap cut2.pcap -q -o "cut$how" 2>err
    echo "exit $?"
    cat err
    grep -c '"damage": {' "cut$how/cleave.json"
done
cleave split a.pcap cut.pcap b.pcap cut2.pcap --dry-run --json -o x 2>err | "$PYTHON" -c 'import json, sys
told = json.load(sys.stdin)
print(told["faulty"], told["damages"], told["left_out"], told["faults"])'
# No more are listed than a hundred.
for i in $(seq 120); do : >e$i.pcap; done
cleave split a.pcap e*.pcap -q -o many 2>err
echo "exit $?"
grep -c 'not even' err
tail -n 2 err
# The same for all that reads captures.
for command in 'index -q -o i.db' 'flows --csv' 'extract --flow 1 -q -o one.pcap'; do
    rm -f i.db one.pcap
    try cleave $command a.pcap text.pcap cut.pcap b.pcap | wc -l
    try cleave $command a.pcap empty.pcap text.pcap cut.pcap b.pcap --skip-bad | tail -n 1
done
rm -f i.db one.pcap
needs_sqlite
try cleave index a.pcap text.pcap --skip-bad -o i.db -q
try cleave flows a.pcap --skip-bad
try cleave extract a.pcap --skip-bad --flow 1 -o one.pcap
try cleave flows i.db --skip-bad
