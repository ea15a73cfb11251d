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
