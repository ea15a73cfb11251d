# SPDX-License-Identifier: BSD-2-Clause
# Captures that cannot be read among others: all are named, and with --recover left out.
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
try cleave split $bad --recover -o none
try cleave split a.pcap empty.pcap -o none
try cleave split a.pcap empty.pcap b.pcap --recover -o one
for how in '' --merge --each --verify; do
    echo "recover $how"
    cleave split $how a.pcap $bad b.pcap --recover -o "out$how" >log 2>err
    echo "exit $?"
    sed -n '/^read/p; /^left out/p' log
    cmp err outerr 2>/dev/null || cp err outerr
done
cat outerr
find out--each -name 'manifest.csv' | sort
can_verify out
for how in '' --merge --each; do cleave verify "out$how"; done | grep proven
# What could not be read then is whole now, or the other way round.
cp a.pcap empty.pcap
try cleave verify out
try cleave verify out--each >log
: >empty.pcap
try cleave verify one a.pcap b.pcap empty.pcap >log
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
cleave split a.pcap e*.pcap --recover -q -o many 2>err
echo "exit $?"
grep -c 'not even' err
tail -n 2 err
