# SPDX-License-Identifier: BSD-2-Clause
# Captures in zip archives.
sample mixed a.pcap
sample four-flows b.pcap
mkdir dir
cat >make.py <<'END'
import gzip, sys, zipfile


def make(path, *members):
    """Members: a name and its bytes; deflated, but not made shorter, if the name ends in "!"."""
    with zipfile.ZipFile(path, 'w') as z:
        for name, data in members:
            info = zipfile.ZipInfo(name.rstrip('!'), (2025, 4, 15, 12, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED if name.endswith('!') else zipfile.ZIP_STORED
            z.writestr(info, data, compresslevel=0)


a, b = open('a.pcap', 'rb').read(), open('b.pcap', 'rb').read()
packed = gzip.compress(b, 0, mtime=0)
others = ('README', b'All of this was captured in the lab.\n'), ('dir/', b''), ('empty', b''), \
    ('__MACOSX/._a.pcap', bytes.fromhex('0005160700020000') + b'Mac OS X        ')
make('evidence.zip', *others, ('a.pcap', a), ('dir/b.pcap!', b))
make('packed.zip', ('b.pcap.gz', packed), ('notes.gz!', gzip.compress(b'notes', 0, mtime=0)))
make('same.zip', ('x/a.pcap', a), ('y/a.pcap', b))
make('none.zip', *others)
make('nothing.zip')
make('nested.zip', ('evidence.zip', open('evidence.zip', 'rb').read()), ('a.pcap', a))
make('snoop.zip', ('a.snoop', b'snoop\0\0\0\0\0\0\2\0\0\0\4'))
make('mac.zip', ('pcap!', a))
open('self.exe', 'wb').write(b'MZ or #!/bin/sh\n' + open('evidence.zip', 'rb').read())
open('no.zip', 'wb').write(a)  # what counts is what it is
END
"$PYTHON" make.py
cleave info evidence.zip:dir/b.pcap 2>&1 | grep 'this build does not read' >&2 && skip 'no zlib'

try cleave info evidence.zip
cleave info self.exe >self
cleave info evidence.zip | sed s/evidence.zip/self.exe/ | diff - self && echo the same
try cleave info --json packed.zip
cleave info no.zip | head -n 2

# In the order of the directory, as if they had been named.
cp b.pcap dir
try cleave split evidence.zip
cleave split a.pcap dir/b.pcap -o plain -q
diff -r -x cleave.json plain evidence.flows && echo as the files
grep '"file"' evidence.flows/cleave.json
for threads in 1 3; do
    for window in 4KiB 1GiB; do
        cleave split evidence.zip -o again -q -f -t $threads --window $window
        diff -r evidence.flows again
    done
done
try cleave verify evidence.flows
mkdir moved
mv evidence.zip moved
try cleave verify evidence.flows -q
try cleave verify evidence.flows moved/evidence.zip
try cleave verify evidence.flows a.pcap dir/b.pcap -q
try cleave verify evidence.flows moved/evidence.zip:a.pcap -q
mv moved/evidence.zip .

# Some of them.
cleave split evidence.zip:dir/b.pcap -q
cleave split dir/b.pcap -o plain -q -f
diff -r -x cleave.json plain b.flows && echo as the file
try cleave split evidence.zip --member 'dir*' -o b.flows -q -f
diff -r -x cleave.json plain b.flows && echo as the file
try cleave verify b.flows evidence.zip --member '*/b.pcap' -q
try cleave info evidence.zip --member '[a-b].pcap'
try cleave info evidence.zip --member 'c*'
try cleave split a.pcap --member a.pcap -o none
try cleave split evidence.zip:c.pcap -o none
cp a.pcap evidence.zip:c.pcap
cleave split evidence.zip:c.pcap -o colon -q && names colon | head -n 1

# By time, and each by itself.
cleave split evidence.zip --merge -o merged -q
cleave split a.pcap dir/b.pcap --merge -o plain -q -f
diff -r -x cleave.json plain merged && echo merged
try cleave split same.zip --each -q
names same.flows
try cleave verify same.flows -q
try cleave verify same.flows same.zip -q

# What is refused.
for file in none.zip nothing.zip nested.zip snoop.zip; do
    try cleave split $file -o none
done
try cleave split nested.zip none.zip -o recovered --recover -q
try cleave verify recovered -q
try cleave split evidence.zip evidence.zip:a.pcap -o none
try cleave split - -o none <evidence.zip
cat evidence.zip | try cleave split - -o none
try cleave split evidence.zip --archive -o evidence.zip -f
mkdir out
cp evidence.zip out
cleave split out/evidence.zip -o out/x -q
cp evidence.zip out/x
try cleave split out/x/evidence.zip -o out/x --force=all
names . | grep none
exit 0
