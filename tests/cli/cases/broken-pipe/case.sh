# SPDX-License-Identifier: BSD-2-Clause
# Whoever reads and goes away ends the process as SIGPIPE does, without a word, and nothing is left;
# where that signal is ignored, it is an error like any other.
cleave generate synflood -q -c 20000
for words in 'split synflood.pcap -o out --manifest -' 'split synflood.pcap --dry-run --manifest -' \
    'split synflood.pcap -o two' 'help split' 'info synflood.pcap' 'generate synflood -o -'; do
    "$PYTHON" - $words <<'END'
import os, signal, subprocess, sys
for ignored in False, True:
    r, w = os.pipe()
    os.close(r)
    run = subprocess.run(['cleave', *sys.argv[1:]], stdout=w, stderr=subprocess.PIPE,
                         restore_signals=not ignored)
    os.close(w)
    print(' '.join(sys.argv[1:]), 'status', run.returncode, run.stderr.decode().strip())
    if os.path.isdir('two'):
        print(len(os.listdir('two')), 'files')
        subprocess.run(['rm', '-r', 'two'])
END
done
names .
