# SPDX-License-Identifier: BSD-2-Clause
# Nothing is under the final name before all is there.
cleave generate synflood -c 30000 -q --interval 1ms
for signal in INT TERM KILL; do
    "$PYTHON" - $signal <<'END'
import glob, os, shutil, signal, subprocess, sys, time
for _ in range(50):  # a busy machine may be late
    run = subprocess.Popen(['cleave', 'split', 'synflood.pcap', '-o', 'out', '-q', '--max-open', '4'])
    while not glob.glob('.out.cleave-*') and run.poll() is None:
        time.sleep(0.001)
    run.send_signal(getattr(signal, 'SIG' + sys.argv[1]))
    status = run.wait()
    if status:
        break
    shutil.rmtree('out')
print(sys.argv[1], status, os.listdir('.').count('out'), 'left:', len(glob.glob('.out.cleave-*')))
END
done
# What nobody could clean up has a name that says so, and goes when it is asked to.
cleave split synflood.pcap -o out -q 2>&1 | sed 's/cleave-[0-9]*-0/cleave-PID-0/'
cleave split synflood.pcap -o out -q --force --clean
ls -A | grep -c "^[.]out"
rm -rf out
names .
