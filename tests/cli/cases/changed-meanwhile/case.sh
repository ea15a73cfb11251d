# SPDX-License-Identifier: BSD-2-Clause
# A capture that grows while another is read before it.
sample mixed a.pcap
mkfifo p
"$PYTHON" - <<'END'
import os, subprocess, sys, time
with open('a.pcap', 'rb') as f:
    data = f.read()
run = subprocess.Popen(['cleave', 'split', 'p', 'a.pcap', '-o', 'out', '-q'], stderr=subprocess.PIPE)
with open('p', 'wb') as pipe:
    pipe.write(data)
    pipe.flush()
    while not any(name.startswith('.out.') for name in os.listdir('.')):
        time.sleep(0.01)
    with open('a.pcap', 'ab') as f:
        f.write(data[24:])
print('exit', run.wait())
sys.stdout.write(run.stderr.read().decode())
END
names .
