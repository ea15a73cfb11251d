# SPDX-License-Identifier: BSD-2-Clause
# Ctrl-C ends a pipe, as it ends who writes to it; what came by then is split and published.
sample mixed a.pcap
cleave split a.pcap --by none --format pcapng -q -o ng
mv ng/0*.pcapng a.pcapng
gzip -c a.pcap >a.gz
try cleave split a.pcap -o whole -q --on-interrupt discard
cleave split a.pcapng -o whole-ng -q
cat >run.py <<'END'
import os, signal, subprocess, sys, time


def caught(pid):
    with open('/proc/%d/status' % pid) as f:
        return next(int(line.split()[1], 16) for line in f if line.startswith('SigCgt'))


class Run:
    """A run that reads a pipe, and listens to signals."""

    def __init__(self, *flags):
        self.child = subprocess.Popen(['cleave', 'split', '-', '-o', 'out', *flags],
                                      stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                                      stdout=subprocess.PIPE)
        while not caught(self.child.pid) & 1 << signal.SIGINT - 1 and self.child.poll() is None:
            time.sleep(0.001)

    def write(self, data):
        self.child.stdin.write(data)
        self.child.stdin.flush()

    def works(self):
        while not any(name.startswith(('.out', '.none')) for name in os.listdir('.')):
            if self.child.poll() is not None:
                sys.exit('it has ended: ' + self.child.stderr.read().decode())
            time.sleep(0.001)

    def signal(self, number):
        """Waits until it has been seen: what is pending is not."""
        self.child.send_signal(number)
        while self.child.poll() is None:
            with open('/proc/%d/status' % self.child.pid) as f:
                if not any(int(line.split()[1], 16) for line in f if line.startswith('ShdPnd')):
                    break
        return self

    def end(self, what, rest=b''):
        if rest is not None:
            self.write(rest)
            self.child.stdin.close()
        said = [line for line in self.child.stdout.read().decode().splitlines()
                if line.startswith(('left out', 'read'))]
        print('%s: exit %d' % (what, self.child.wait()), *said, sep='\n  ')
        sys.stdout.write(self.child.stderr.read().decode())


def same(what):
    sys.stdout.flush()
    subprocess.run('diff -r -x cleave.json %s out && echo the same; rm -rf out' % what, shell=True)


END
python() {
    (cat run.py; cat) | "$PYTHON" -
}
[ -e /proc/self/status ] || skip 'no /proc tells when a program listens to signals'
python <<'END'
for kind, name in ('whole', 'a.pcap'), ('whole-ng', 'a.pcapng'), ('whole', 'a.gz'):
    data = open(name, 'rb').read()
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        run = Run('-q')
        run.write(data[:1000])
        run.signal(number).end('the writer ends, too', data[1000:])
        same(kind)
data = open('a.pcap', 'rb').read()
run = Run('-q')
run.signal(signal.SIGINT).end('before the first byte', data)
same('whole')
run = Run('-q', '--archive')
run.write(data[:1000])
run.signal(signal.SIGINT).end('kept for an archive', data[1000:])
END
cleave verify out a.pcap -q && echo proven
rm out
python <<'END'
data = open('a.pcap', 'rb').read()
run = Run('--on-interrupt', 'discard')
run.write(data)
run.works()
run.signal(signal.SIGINT).end('discard', None)
END
# Its writer goes on: after a while it ends in any case, between two records or in one.
python <<'END'
data = open('a.pcap', 'rb').read()
runs = {}
for i, flags in enumerate(((), ('--recover',), ('--archive',))):
    runs['the writer goes on', *flags] = run = Run('-o', 'out%d' % i, *flags)
    run.write(data[:-10])
for name in 'a.pcapng', 'a.gz':
    runs['the writer goes on', name] = run = Run('-o', 'out-' + name)
    run.write(open(name, 'rb').read()[:-60])
runs['the writer goes on, between two', ] = run = Run('-q')
run.write(data)
for i, run in enumerate(runs.values()):
    run.signal(signal.SIGTERM if i else signal.SIGINT)
for what, run in runs.items():
    run.end(' '.join(what), None)
same('whole')
run = Run('-o', 'none')
run.write(data)
run.works()
run.signal(signal.SIGTERM).signal(signal.SIGTERM).end('two signals', None)
END
rm -r out*
# What else is read is read to its end.
mkfifo p
python <<'END'
child = subprocess.Popen(['cleave', 'split', 'p', 'a.pcap', '--merge', '-q', '-o', 'out'])
while not caught(child.pid) & 1 << signal.SIGINT - 1:
    time.sleep(0.001)
with open('p', 'wb') as pipe:
    pipe.write(open('a.pcap', 'rb').read())
    child.send_signal(signal.SIGINT)
print('with a file: exit', child.wait())
END
grep records_read out/cleave.json
rm -r out
# Nobody ever wrote to it.
python <<'END'
def asleep(pid):
    with open('/proc/%d/status' % pid) as f:
        return any(line.startswith('State:\tS') for line in f)


for flags in (), ('--archive',):
    child = subprocess.Popen(['cleave', 'split', 'p', '-o', 'out', '-q', *flags],
                             stderr=subprocess.STDOUT)
    while not (caught(child.pid) & 1 << signal.SIGINT - 1 and asleep(child.pid)):
        time.sleep(0.001)
    child.send_signal(signal.SIGINT)
    print('no writer: exit', child.wait())
END
names . | grep -e out -e none
exit 0
