# SPDX-License-Identifier: BSD-2-Clause
# A list that does not arrive is a failure that says why, and one that is long enough is none.
needs_sqlite
[ -c /dev/full ] || skip 'there is no /dev/full'
cleave generate synflood -q -c 2000
for flag in --json --csv ''; do
    try sh -c "cleave flows synflood.pcap $flag >/dev/full"
    "$PYTHON" - $flag <<'END'
import subprocess, sys
with subprocess.Popen(['cleave', 'flows', 'synflood.pcap', *sys.argv[1:]],
                      stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
    run.stdout.readline()
    run.stdout.close()
    print('status', run.wait(), run.stderr.read().decode().strip())
END
done
