# SPDX-License-Identifier: BSD-2-Clause
# Words that the cases share.

# try COMMAND ...: says what is run, on both streams, runs it and prints its status.
try() {
    printf '$ %s\n' "$*"
    printf '$ %s\n' "$*" >&2
    "$@"
    printf 'exit %s\n' "$?"
}

# skip WHY: ends the case as skipped.
skip() {
    printf '%s\n' "$*" >&2
    exit 77
}

# not_under_valgrind WHAT: skips a case with a limit that would stop valgrind, and not cleave.
not_under_valgrind() {
    [ -z "${UNDER_VALGRIND:-}" ] || skip "valgrind would meet $* itself"
}

# has_terminals: skips what needs a pseudo-terminal where there is none, as without /dev/pts.
has_terminals() {
    "$PYTHON" -c 'import os; os.openpty()' 2>/dev/null || skip 'there are no pseudo-terminals'
}

# on_terminal COLUMNS COMMAND...: what it says on a terminal of that width, as it comes; its status.
on_terminal() {
    "$PYTHON" -c '
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("4H", 25, int(sys.argv[1]), 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
while True:
    try:
        sys.stdout.buffer.write(os.read(fd, 65536))
    except OSError:
        break
sys.stdout.flush()
sys.exit(os.WEXITSTATUS(os.waitpid(pid, 0)[1]))' "$@"
}

# names DIR: everything below it, sorted; hidden names too.
names() {
    (cd "$1" && find . ! -name . | sort | sed 's|^\./||')
}

# has_community_ids MANIFEST: skips what expects the column where it is not.
has_community_ids() {
    grep -q community_id "$1" || skip 'this build computes no Community IDs'
}

# can_verify DIR: skips where the build cannot; any other answer is the case's to judge.
can_verify() {
    cleave verify "$1" >log 2>&1 ||
        { grep 'built without' log >&2 && skip 'this build cannot verify'; }
}

# alter_receipt FILE TO PYTHON: writes the cleave.json FILE to TO, with `said`, which it says, altered.
alter_receipt() {
    "$PYTHON" - "$@" <<'END'
import json, sys
path, to, alter = sys.argv[1:]
with open(path) as f:
    said = json.load(f)
exec(alter)
with open(to, 'w') as f:
    json.dump(said, f)
END
    printf '# %s\n' "$3" >&2
}

# is_json FILE: fails with a word where it is not.
is_json() {
    "$PYTHON" -c 'import json, sys; json.load(open(sys.argv[1]))' "$1" && echo "$1 is JSON"
}

# with_descriptors N COMMAND ...: runs it with N descriptors, of which a shell may need more.
with_descriptors() {
    "$PYTHON" -c 'import os, resource, sys
n = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (n, n))
os.execvp(sys.argv[2], sys.argv[2:])' "$@"
}

# can_list DIR: skips where the build cannot list results; any other answer is the case's to judge.
can_list() {
    cleave flows "$1" --csv >log 2>&1 ||
        { grep 'this build has no\|built without' log >&2 && skip 'this build cannot list results'; }
}

# needs_sqlite: skips what needs an index where the build makes none.
needs_sqlite() {
    ! cleave --version | grep -q 'no SQLite' || skip 'this build has no SQLite'
    "$PYTHON" -c 'import sqlite3' 2>/dev/null || skip 'this Python has no SQLite'
}

# alter_index FILE TO SQL: copies the index FILE to TO, where the statements then change it.
alter_index() {
    "$PYTHON" - "$@" <<'END'
import shutil, sqlite3, sys
path, to, sql = sys.argv[1:]
shutil.copy(path, to)
db = sqlite3.connect(to)
db.executescript('pragma writable_schema = on; pragma synchronous = off;' + sql)
db.commit()
END
    printf '# %s\n' "$3" >&2
}

# needs_fuse: skips what needs a build that mounts; and, with a word, a system that lets it.
needs_fuse() {
    ! cleave --version | grep -q -e 'no FUSE' -e 'no SQLite' || skip 'this build cannot mount'
    [ -z "${1:-}" ] || { command -v fusermount3 >/dev/null && (: <>/dev/fuse) 2>/dev/null; } ||
        skip 'this system lets nobody mount'
}
