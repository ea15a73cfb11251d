# SPDX-License-Identifier: BSD-2-Clause
# Nothing is under the final name before all is there.
cleave generate synflood -c 100000 -q --interval 1ms
for signal in INT TERM KILL; do
    "$PYTHON" - $signal <<'END'
import glob, os, signal, subprocess, sys, time
run = subprocess.Popen(['cleave', 'split', 'synflood.pcap', '-o', 'out', '-q', '--max-open', '4'])
while not glob.glob('.out.cleave-*') and run.poll() is None:
    time.sleep(0.001)
run.send_signal(getattr(signal, 'SIG' + sys.argv[1]))
print(sys.argv[1], 'ends it' if run.wait() else 'came too late', os.listdir('.').count('out'))
END
    # What nobody could clean up has a name that says so.
    rm -rf .out.cleave-*
done
names .
