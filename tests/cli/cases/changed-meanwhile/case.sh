# SPDX-License-Identifier: BSD-2-Clause
# While another capture is read before it, a capture grows, becomes another file, or is written anew.
mkfifo p
for change in grown replaced rewritten; do
    sample mixed a.pcap
    echo "$change"
    "$PYTHON" - $change <<'END'
import os, subprocess, sys, time
change = sys.argv[1]
with open('a.pcap', 'rb') as f:
    data = f.read()
run = subprocess.Popen(['cleave', 'split', 'p', 'a.pcap', '-o', change, '-q'], stderr=subprocess.PIPE)
with open('p', 'wb') as pipe:
    pipe.write(data)
    pipe.flush()
    while not any(name.startswith('.%s.' % change) for name in os.listdir('.')):
        time.sleep(0.01)
    if change == 'grown':
        with open('a.pcap', 'ab') as f:
            f.write(data[24:])
    elif change == 'replaced':
        with open('b.pcap', 'wb') as f:
            f.write(data)
        os.rename('b.pcap', 'a.pcap')
    else:
        with open('a.pcap', 'wb') as f:
            f.write(data[:-1])
print('exit', run.wait())
sys.stdout.write(run.stderr.read().decode())
END
done
sample mixed b.pcap
cp b.pcap c.pcap
cleave split b.pcap c.pcap -o same -q
for f in same/*.pcap; do cmp "$f" grown/"${f#*/}"; done
names . | grep -v /
