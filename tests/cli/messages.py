#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every message that the sources can make, and every flag, is met by a case.

Messages are the string literals of src/cli, the one room that prints, and elsewhere those that end
as an error's `what` or `hint`. Each must be in what a case expects (cases/*/case.stdout and
case.stderr), or stand literally in a test of the suites "property" and "unit". What no command line
leads to is listed here with the reason; an entry that excuses nothing, or what a case shows, fails.

Flags are those of "cleave help --table": each, and its letter, must be on a command line of a case
that ends well.
"""
import ast
import functools
import glob
import os
import re
import sys
from typing import Dict, Iterator, List, NamedTuple, Set, Tuple

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))
# pylint: disable=wrong-import-position
import harness
from harness import check, check_equal

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])

# Functions whose strings are printed through a "%s" of a message.
WORDS_OF = ('reason_of', 'difference', 'kind_of', 'find_foreign', 'suspect_judge')

# What no command line leads to, and why. Codes excuse all messages that have them.
CODES = {
    'CLV_ERR_INTERNAL': 'a check of cleave against itself',
    'CLV_ERR_CANCELLED': 'told as "stopped by a signal"',
    'CLV_ERR_NOMEM': 'memory is refused in property/faults.py alone',
}
UNPROVOKED: Dict[str, Tuple[str, ...]] = {
    'memory, see above': (
        'try a smaller --memory or fewer --threads',
    ),
    'the system fails, which property/faults.py makes it do, call by call': (
        'cannot be closed',
        'cannot be read again',
        'has no room for a file',
        'has lost its directory',
        'cannot be compiled',
        'zip archive: cannot be mapped',
        'unpack it first: unzip %.100s',
        'the thread that reads it cannot be started',
        'the threads that serve it cannot be started',
        'cannot make a pipe',
        'cannot make a pipe: %s',
        'cannot start a process: %s',
        'cannot be truncated at byte %llu',
        'cannot be opened again',
        'has no descriptor',
        'the system provides no random bytes',
        'zip archive: cannot be mapped',
        'unpack it first: unzip %.100s',
        'cannot be moved aside',
        'cannot be renamed to its final name',
        'the output is complete, but its page is missing',
        'what was there before is now %.*s%.120s',
        'cannot be replaced',
        'cannot be synchronised',
        'the output is complete, but may not survive a power cut',
        'cannot be linked',
        'is in the result, but cannot be removed',
        'the unfinished output could not be removed: %.90s',
    ),
    'file systems that are not everywhere': (
        'the file system does not accept this name: choose another with --output or --name',
        'could not be linked',
    ),
    'it takes a million announcements, or thousands of connections (tests/unit)': (
        ' of flows that had not begun yet: too many at a time',
        ' not followed to the end: too many at a time',
    ),
    'somebody else changes files at the right moment': (
        'the file shrank while it was read: it had %llu bytes',
        'the archive shrank while it was read',
        'the archive was replaced since the run began',
        'only an output of cleave split has a table of flows',
        'the input changed while it was read',
        'its length differs from that of the first reading of the input',
        'was truncated while it was written',
        'row %u has no name for a file',
        'was truncated while it was read',
        'cannot be found',
        '%llu fault%s found: no output was made',
    ),
    'the command line checks it first, other callers of the library may not': (
        'is not known to the caller of the library',
        'inputs and output must be given',
        'results and output must be given',
        'paths must be given',
        'was not opened to extract from it',
        'does not apply to an index',
        'path and dir must be given',
        'it has no file of that number',
        'it has %zu captures, but %zu are named',
        'zip archive: it contains %zu captures',
        'name one of them: %.120s',
        'use true or false',
        'a share of more than 100 per cent',
        'address family %u; 4 or 6 is needed',
        'VLAN id %u; at most %d',
        '%zu bytes do not fit an IP length field',
        '%zu bytes do not fit a buffer of %zu',
        'a time of %lld s does not fit a pcap record',
        'a packet of %u bytes; at most %d',
    ),
    'something else is met first': (
        'a template has 1 to 200 bytes',
        'a snaplen of %u',
        'it has too many directories',
        'more than %d link types',
        'a block of type %u before any section',
        'the summary cannot be printed: a path is too long',
        'a limit of %llu open files is too low',
        'raise the limit, for example with ulimit -n 1024',
    ),
    'this build, machine or user has all that is needed': (
        'is %s data, which this build does not read',
        'is %s, which this build does not read',
        'unpack it first: unzip',
        'this build does not support SHA-1',
        'this cleave was built without CRC-32',
        'cannot be verified: built without CRC-32',
        'it needs libdeflate or zlib',
        'cannot be verified: built without jansson',
        'its digest cannot be compared: built without nettle',
        'install nettle-dev and build again',
        'install libjansson-dev and build again',
        'cannot be listed: built without jansson',
        'this build has no SQLite',
        'sqlite: this build has no SQLite',
        'install libsqlite3-dev and build again',
        'this build has no FUSE',
        'install libfuse3-dev and build again',
        'the system has no FUSE, or you are not allowed to use it',
        'fusermount3 must be installed, and you must be allowed to use it',
        'the system and libfuse do not work together',
        'libpcap: %.120s',
        'a device',
    ),
    'SQL, which nobody sees': (
        'flow = (SELECT max(flow) FROM flows)',
    ),
    'no test waits for a minute': (
        'takes longer than %d s',
    ),
    'the machine\'s own numbers, which no case expects': (
        '%s/s, %s record%s/s, %u thread%s',
        '%s/s over inputs and outputs, %u thread%s',
        ', jemalloc %.*s',
    ),
}


class Message(NamedTuple):
    text: str   # as printf takes it, or a part of it
    kind: str   # 'what', 'hint', or 'said' where it may stand anywhere in a line
    file: str
    function: str
    code: str   # enum clv_errc where it is a what

    def __str__(self) -> str:
        return '%s: %s: "%s"' % (self.file, self.function, self.text.replace('\n', '\\n'))


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|^[ \t]*#(?:[^\n\\]|\\.)*|"(?:\\.|[^"\\])*"|'
                   r"'(?:\\.|[^'\\])*'|[A-Za-z_]\w*|\S", re.DOTALL | re.MULTILINE)
ASSIGNED = re.compile(r'(?:what|hint|why) =')
CONVERSION = re.compile(r'%[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+)?)?(?:hh|h|ll|l|z|j|t)?'
                        r'([diouxXcsfeg%])')
# What printf makes of them; all others are whole numbers, for which run.py may put a word.
PRINTED = {'s': '.*', 'c': '.', 'x': '[0-9a-f]+', 'f': r'[\d.]+', '%': '%'}
NUMBER = r'(?:-?\d+|@[A-Z]+@)'


def read(path: str) -> str:
    with open(path, encoding='utf-8') as f:
        return f.read()


def tokens_of(path: str) -> List[str]:
    """Without comments and directives; strings that stand side by side are one, a macro among them
    is "%s"."""
    out: List[str] = []
    found = [t for t in TOKEN.findall(read(path)) if not t.startswith(('/*', '//', '#'))]
    for i, token in enumerate(found):
        beside = bool(out) and out[-1][0] == '"'
        if token[0] == '"' and beside:
            out[-1] = out[-1][:-1] + token[1:]
        elif beside and token.isupper():
            out[-1] = out[-1][:-1] + '%s"'
        elif token.isupper() and found[i + 1:i + 2] and found[i + 1][0] == '"':
            out.append('"%s"')
        else:
            out.append(token)
    return out


class Literal(NamedTuple):
    """A string and what it stands in."""
    text: str
    before: str                   # the two tokens before it
    function: str                 # that is defined here, or ''
    calls: List[Tuple[str, int]]  # outermost first, each with the number of the argument
    code: str                     # argument 1 of the innermost call


def literals_of(path: str) -> Iterator[Literal]:
    calls: List[Tuple[str, int]] = []
    second: List[str] = []  # tokens of argument 1, by call
    function, depth = '', 0
    tokens = tokens_of(path)
    for i, token in enumerate(tokens):
        if token == '{':
            depth += 1
        elif token == '}':
            depth -= 1
            function = function if depth else ''
        elif token == '(':
            named = i and re.match(r'[A-Za-z_]', tokens[i - 1])
            calls.append((tokens[i - 1] if named else '', 0))
            second.append('')
            if depth == 0 and len(calls) == 1:
                function = calls[0][0]
        elif token == ')':
            calls.pop()
            second.pop()
        elif token == ',' and calls:
            calls[-1] = (calls[-1][0], calls[-1][1] + 1)
        elif token[0] == '"':
            yield Literal(ast.literal_eval(token), ' '.join(tokens[i - 2:i]), function,
                          list(calls), second[-1] if second else '')
        elif calls and calls[-1][1] == 1:
            second[-1] += token


def tellers(path: str) -> Dict[str, Tuple[int, str]]:
    """Functions that are given a message: as which argument, and whether as a what or a hint."""
    out: Dict[str, Tuple[int, str]] = {}
    for m in re.finditer(r'\b(\w+) \( ((?:[^()]|\( \))*?const char \* (what|hint)\b)',
                         ' '.join(tokens_of(path))):
        out[m[1]] = (m[2].count(','), m[3])
    return out


def speaks(text: str) -> bool:
    """Is words, and neither one alone nor a format of what others say."""
    plain = CONVERSION.sub('', text).strip()
    return ' ' in plain and bool(re.search('[A-Za-z]{3}', plain))


def messages() -> List[Message]:
    top = os.path.join(HERE, '..', '..', 'src')
    paths = sorted(glob.glob(os.path.join(top, '**', '*.[ch]'), recursive=True))
    shared = {name: told for path in paths if path.endswith('.h')
              for name, told in tellers(path).items()}
    out: List[Message] = []
    for path in paths:
        name = os.path.relpath(path, top)
        telling = dict(shared, **tellers(path))
        telling.pop('clv_fail_nomem', None)  # its `what` is a subject
        for s in literals_of(path):
            kind = ''
            for call, at in s.calls:
                if not kind and call in telling and at >= telling[call][0]:
                    kind = telling[call][1] if at == telling[call][0] else 'said'
            if not kind and (name.startswith('cli/') or s.function in WORDS_OF or
                             ASSIGNED.search(s.before)):
                kind = 'said'
            if kind and (speaks(s.text) or kind != 'said' and re.search('[a-z]{3}', s.text)):
                out.append(Message(s.text, kind, name, s.function or '(a table)', s.code))
    return out


def pattern_of(text: str) -> str:
    """What printf makes of it."""
    out, at = '', 0
    for c in CONVERSION.finditer(text):
        out += re.escape(text[at:c.start()]) + PRINTED.get(c[1], NUMBER)
        at = c.end()
    return out + re.escape(text[at:])


AS_A = {  # in a line
    # After a subject, or the flag whose value is no such; before an errno's words or what is added.
    'what': '(?:^|: |: --[a-z-]+ )TEXT(?:$|[:;] )',
    'hint': '^(?: {8})?(?:no output was made at [^:]*: )?TEXT(?:$|; )',
    'said': 'TEXT',
}


def expected_lines() -> Set[str]:
    """Lines, and what help has folded as one."""
    texts = [read(path) for path in glob.glob(os.path.join(HERE, 'cases', '*', 'case.std*'))]
    return {line for text in texts for form in (text, re.sub(r'\n {29}(?=\S)', ' ', text))
            for line in form.split('\n') if not line.startswith('$ ')}


def strings_of_tests() -> Set[str]:
    """Lines of those in the tests that hold no expected output."""
    out: Set[str] = set()
    for path in glob.glob(os.path.join(HERE, '..', 'property', '*.py')):
        for node in ast.walk(ast.parse(read(path))):
            if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)):
                out.add(node.value if isinstance(node.value, str) else
                        node.value.decode('utf-8', 'replace'))
    for path in glob.glob(os.path.join(HERE, '..', 'unit', '*.c')):
        out.update(ast.literal_eval(t) for t in tokens_of(path) if t[0] == '"')
    return {line for text in out for line in text.split('\n')}


def is_among(lines: Set[str], text: str, form: str) -> bool:
    """A line matches, of which only those with the longest literal part are tried: patterns that
    begin with what "%s" becomes take long."""
    literal = max(CONVERSION.sub('\0', text).split('\0'), key=len)
    pattern = re.compile(form.replace('TEXT', pattern_of(text)))
    return any(literal in line and pattern.search(line) for line in lines)


@functools.lru_cache()
def unmet() -> List[Tuple[str, Message]]:
    """Lines of messages, with what they are of."""
    lines, strings = expected_lines(), strings_of_tests()
    out: List[Tuple[str, Message]] = []
    for m in messages():
        for text in m.text.split('\n'):
            if (speaks(text) or text == m.text) and not is_among(strings, text, 'TEXT') and \
                    not is_among(lines, text, AS_A[m.kind]):
                out.append((text, m))
    return out


def every_message_is_met() -> None:
    found = unmet()
    listed = {text for texts in UNPROVOKED.values() for text in texts}
    faults = ['no case has ' + str(m) for text, m in found
              if text not in listed and m.code not in CODES]
    check(not faults, '%d messages\n%s', len(faults), '\n'.join(faults))


def no_excuse_is_stale() -> None:
    """None is left of messages that are gone, or that a case has now."""
    found = unmet()
    listed = {text for texts in UNPROVOKED.values() for text in texts}
    check_equal(listed - {text for text, m in found if m.code not in CODES}, set(), 'texts')
    check_equal(set(CODES) - {m.code for _, m in found}, set(), 'codes')
    check_equal(set(WORDS_OF) - {m.function for m in messages()}, set(), 'functions')


def flags_used() -> Dict[str, Set[str]]:
    """By command: the flags on command lines that end with 0 or 1, as they are written."""
    out: Dict[str, Set[str]] = {}
    line = re.compile(r'^\$ (?:\S+ )*?cleave (.*)\n(?:(?!\$ |exit \d).*\n)*exit [01]$',
                      re.MULTILINE)
    for path in glob.glob(os.path.join(HERE, 'cases', '*', 'case.stdout')):
        for m in line.finditer(read(path)):
            words = m[1].split()
            used = out.setdefault(' '.join(words[:2 if words[0] == 'generate' else 1]), set())
            for word in words:
                if word.startswith('--'):
                    used.add(word.split('=')[0])
                elif word.startswith('-'):
                    used.update('-' + letter for letter in word[1:])
    return out


def every_flag_is_used() -> None:
    used, command, unused = flags_used(), '', []
    for line in suite.run_cleave('help', '--table').stdout.decode().splitlines():
        kind, name, letter = line.split('\t')[:3]
        if kind == 'command':
            command = name
            continue
        check_equal(kind, 'flag', 'kind of line')
        for word in ['--' + name] + (['-' + letter] if letter else []):
            if word not in used.get(command, ()):
                unused.append('cleave %s %s' % (command, word))
    check(not unused, 'in no case that ends well: %s', ', '.join(unused))


def main() -> int:
    return suite.run({case.__name__.replace('_', '-'): case
                      for case in (every_message_is_met, no_excuse_is_stale, every_flag_is_used)})


if __name__ == '__main__':
    sys.exit(main())
