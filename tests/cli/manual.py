#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Help, manual pages and completions agree on the flags, and are sound for who reads them."""
import glob
import os
import re
import shlex
import sys
from typing import Callable, Dict, List, Set, Tuple

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import harness  # noqa: E402
from harness import check, check_equal  # noqa: E402


def more_flags(parser) -> None:
    parser.add_argument('files', nargs='*', help='manual pages and completions, built')


suite = harness.Suite(__doc__ or '', more_flags)
FILES = {os.path.basename(path): path for path in suite.args.files}
PAGES = [name for name in FILES if re.search(r'\.[1357]$', name)]

Flags = Set[Tuple[str, str]]  # long, and its letter or ''


def read(name: str) -> str:
    with open(FILES[name], encoding='utf-8') as f:
        return f.read()


TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')


def source(name: str) -> str:
    """A file of ours, for what only the program's tables have."""
    with open(os.path.join(TOP, name), encoding='utf-8') as f:
        return f.read()


def table() -> Dict[str, Flags]:
    """The flags of each command, as the program parses them."""
    out: Dict[str, Flags] = {}
    for line in suite.run_cleave('help', '--table').stdout.decode().splitlines():
        kind, *fields = line.split('\t')
        if kind == 'command':
            last = out[fields[0]] = set()
        else:
            check_equal(len(fields), 5, 'fields of ' + line)
            last.add((fields[0], fields[1]))
    check(len(out) >= 5 and all(out.values()), 'commands: %r', out)
    return out


def help_agrees() -> None:
    for command, flags in table().items():
        for args in (command.split() + ['--help'], ['help'] + command.split()):
            text = suite.run_cleave(*args).stdout.decode()
            found = {(m[2], m[1]) for m in re.finditer(r'^ {2,6}(?:-(\w), )?--([a-z0-9-]+)', text, re.M)}
            check_equal({(name, letter or '') for name, letter in found}, flags, 'help of ' + command)


SCREEN = (24, 80)  # a terminal's lines and columns


def help_fits() -> None:
    """-h fits a screen, no line of --help is wider, and both have examples."""
    for command in [''] + list(table()):
        for flag in ('-h', '--help'):
            lines = suite.run_cleave(*command.split(), flag).stdout.decode().splitlines()
            wide = [line for line in lines if len(line) >= SCREEN[1]]
            check(not wide, '%s %s: too wide: %r', command, flag, wide)
            check(flag != '-h' or len(lines) <= SCREEN[0], '%s -h: %d lines', command, len(lines))
            check('Examples:' in lines, '%s %s: no examples', command, flag)


def usual_flags_are_there() -> None:
    """Each name among those that -h shows is a flag of the command, once."""
    for path in glob.glob(os.path.join(TOP, 'src', 'cli', 'cmd_*.c')):
        first = re.search(r'cmd_(\w+)\.c', path)[1]
        known = {flag for row, flags in table().items() if row.split()[0] == first
                 for flag, _ in flags}
        for words in re.findall(r'\.usual =\s*\(const char \*const\[\]\)\{([^}]*)', source(path)):
            usual = re.findall(r'"([a-z-]+)"', words)
            check(5 < len(usual) < 12 and len(set(usual)) == len(usual), '%s: %r', first, usual)
            check(set(usual) <= known, '%s: %r are no flags', first, set(usual) - known)


def commands_in(text: str) -> List[List[str]]:
    """The command lines of cleave in examples, as words; what continues in the next line is one."""
    out = []
    for line in re.sub(r'\\\n', ' ', text).splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue  # the line of another program
        for i, word in enumerate(words):
            if word == 'cleave' and (i == 0 or words[i - 1] in ('|', '&&', '$', '#', ';', 'do')):
                end = [k for k in range(i, len(words)) if words[k] in ('|', '&&', ';', '>', '&')]
                out.append(words[i + 1:end[0] if end else len(words)])
    return out


def check_commands(where: str, text: str) -> Set[str]:
    """Each example's command and flags exist. Returns the commands."""
    commands, found = table(), set()
    for words in commands_in(text):
        name = words[0] if words[:1] and words[0] in commands else ' '.join(words[:2])
        check(name in commands or name.split()[:1] == ['help'], '%s: no command: %r', where, words)
        flags = commands.get(name, set())
        names = {long for long, _ in flags}
        letters = {letter for _, letter in flags}
        for word in words:
            flag = re.match(r'--([a-z0-9-]+)', word)
            check(not flag or flag[1] in names, '%s: %s has no %s', where, name, word)
            check(not re.match(r'-[a-zA-Z]', word) or set(word[1:]) <= letters,
                  '%s: %s has no %s', where, name, word)
        found.add(name)
    return found


def examples_of(command: str) -> str:
    text = suite.run_cleave(*command.split(), '--help').stdout.decode()
    return re.search(r'\nExamples:\n((?:  .*\n)+)', text)[1]


def check_shell(where: str, text: str) -> None:
    """A shell can read it; nothing of it is run."""
    done = harness.run([harness.tool('bash'), '-n', '-c', text])
    check_equal((done.returncode, done.stderr), (0, b''), 'examples of ' + where)


def examples_of_help() -> None:
    for command in [''] + list(table()):
        check_shell('help of ' + command, examples_of(command))
        found = check_commands('help of ' + command, examples_of(command))
        check(not command or command in found, 'help of %s: examples of %r', command, found)


def every_flag_is_taken() -> None:
    """None is refused as unknown, alone or with its value missing."""
    for command, flags in table().items():
        for name, letter in flags:
            for word in ['--' + name] + (['-' + letter] if letter else []):
                done = suite.run_cleave(*command.split(), word, status=None, cwd=suite.dir)
                check(b'unknown flag' not in done.stderr, '%s %s: %r', command, word, done.stderr)


def page_of(command: str) -> str:
    return 'cleave-%s.1' % command.split()[0]


def slurm_flags() -> Flags:
    """Those of cleave-slurm's commands, but of the one that its jobs run."""
    done = harness.run([sys.executable, os.path.join(TOP, 'src', 'cluster', 'cleave-slurm'), 'help', '--table'])
    found, last = set(), ''
    for kind, name, letter, *_ in (line.split('\t') for line in done.stdout.decode().splitlines()):
        last = name if kind == 'command' else last
        if kind == 'flag' and last != 'run':
            found.add((name, letter))
    return found


def pages_agree() -> None:
    wanted: Dict[str, Flags] = {}
    for command, flags in table().items():
        wanted.setdefault(page_of(command), set()).update(flags)
    wanted['cleave-slurm.1'] = slurm_flags()
    for name, flags in wanted.items():
        found = {(m[2], m[1] or '') for m in re.finditer(
            r'^\.It (?:Fl (\w) , )?Fl \\-(\S+)', read(name).replace('\\-', '-').replace(
                'Fl -', 'Fl \\-'), re.M)}
        check_equal(found, flags, 'flags in ' + name)


def columns_agree() -> None:
    """Each column of the table of flows is explained, and no other."""
    rows = source('src/manifest/columns.c')
    wanted = re.findall(r'^ +\{"(\w+)", COLUMN_', rows, re.M)
    found = [word for items in re.findall(r'^\.It Cm (.*)$', read('cleave-manifest.5'), re.M)
             for word in items.split(' , ')]
    check(len(wanted) > 30, 'columns: %r', wanted)
    check_equal(sorted(found), sorted(wanted), 'columns in cleave-manifest.5')


def layers_agree() -> None:
    """Each link type, and each tunnel's port, is named."""
    page = read('cleave-layers.7')
    types = set(re.findall(r'^    \{\d+, "(\w+)", ', source('src/decode/link.c'), re.M))
    said = re.search(r'registry of link types(.*?)^\.Ss', page, re.M | re.S)
    check_equal(set(re.findall(r'\\fB(\w+)\\fR', said[1] if said else '')), types, 'link types')
    for port in re.findall(r'^ +\{CLV_PROTO_UDP, (\d+),', source('src/decode/tunnel.c'), re.M):
        check(re.search(r'\b%s\b' % port, page), 'cleave-layers.7: no port %s', port)


def functions_agree() -> None:
    """Each function of the public headers is in libcleave.3, and no other."""
    wanted: Set[str] = set()
    for path in glob.glob(os.path.join(TOP, 'include', 'cleave', '*.h')):
        wanted.update(re.findall(r'^CLV_API [^;]*?\b(clv_\w+)\(', source(path), re.M))
    check(len(wanted) > 80, 'functions: %r', wanted)
    check_equal(set(re.findall(r'\bFn (clv_\w+)', read('libcleave.3'))), wanted, 'functions')


def counts_agree() -> None:
    """Each count that is printed as JSON is in cleave.json.5."""
    page = read('cleave.json.5')
    rows = re.findall(r'^    \{(?:NULL|"(\w+)"), "(\w+)", AT\([\w.]+\), (?!0)',
                      source('src/job/counts.c'), re.M)
    check(len(rows) > 50, 'counts: %r', rows)
    for name in sorted({word for row in rows for word in row if word}):
        check(re.search(r'^\.(?:It )?Cm (?:.* )?%s\b' % name, page, re.M), 'cleave.json.5: no %s', name)


def tables_agree() -> None:
    """Tables, views and what they have beside the manifest's columns are in cleave-index.5."""
    rows = source('src/table/schema.c')
    page = read('cleave-index.5')
    text = ' '.join(re.findall(r'"((?:[^"\\]|\\.)*)"', rows))
    names = set(re.findall(r'CREATE (?:TABLE|VIEW) (\w+)', text))
    check({'flows', 'outputs', 'captures', 'top_talkers'} <= names, 'tables: %r', names)
    wanted = names | set(re.findall(r'\b([a-z]\w*) (?:INTEGER|TEXT|BLOB)\b', text)) | \
        set(re.findall(r'\bAS (\w+)', text)) - {'SELECT'}
    for name in sorted(wanted):
        check(re.search(r'^\.(?:It |Pq )?Cm (?:.* )?%s\b' % name, page, re.M),
              'cleave-index.5: no %s', name)


def words_of(flag: str, value: str) -> Set[str]:
    """What the value of a flag of split may be made of, as the refusal of one says."""
    path = os.path.join(suite.dir, 'empty.pcap')
    with open(path, 'wb') as f:
        f.write(bytes.fromhex('d4c3b2a1 02000400 00000000 00000000 00000400 01000000'))
    done = suite.run_cleave('split', flag, value, path, '-o', 'out', status=2, cwd=suite.dir)
    hint = re.search(r'fields[^:]*: (.*)', done.stderr.decode())
    check(hint is not None, '%s %s: %r', flag, value, done.stderr)
    return set(re.findall(r'[a-z0-9_]+(?=[ ,;]|$)', hint[1])) - {'or'} if hint else set()


def fields_agree() -> None:
    """Help and manual have the fields of keys and of names that their tables have."""
    page = read('cleave-split.1')
    text = suite.run_cleave('split', '--help').stdout.decode()
    for flag, value, help_form in (('--by', 'nothing', r'\b%s\b'), ('--name', '{nothing}', r'\{%s\}')):
        words = words_of(flag, value)
        check(len(words) > 10, '%s: %r', flag, words)
        for word in words:
            check(re.search(help_form % word, text), 'help of split: no %s of %s', word, flag)
            check(re.search(r'^\.(?:It )?Cm (?:.* )?%s\b' % word, page, re.M),
                  'cleave-split.1: no %s of %s', word, flag)


def pasted(page: str, form: str = '') -> str:
    """The literal blocks of a page's examples, as a terminal shows them; form: of their first line."""
    examples = re.search(r'^\.Sh EXAMPLES\n(.*?)(?=^\.Sh )', page, re.M | re.S)
    check(examples is not None, 'no examples')
    blocks = re.findall(r'^\.Bd -literal%s[^\n]*\n(.*?)^\.Ed$' % form, examples[1] if examples else '',
                        re.M | re.S)
    return re.sub(r'\\(.)', lambda m: {'e': '\\', '&': ''}.get(m[1], m[1]), ''.join(blocks))


def examples_of_pages() -> None:
    """Each page has examples that can be pasted, a page of a command some of that, with its flags."""
    commands = table()
    for name in PAGES:
        text = pasted(read(name))
        check_shell(name, pasted(read(name), ' -offset indent'))
        check(text, '%s: no literal block in EXAMPLES', name)
        found = check_commands(name, text)
        check('.Dl ' not in read(name), '%s: .Dl, whose dashes cannot be pasted', name)
        for command in commands:
            check(page_of(command) != name or command in found, '%s: no example of %s', name, command)


def pages_are_sound() -> None:
    for name in PAGES:
        text = read(name)
        sections = re.findall(r'^\.Sh (.*)$', text, re.M)
        wanted = ['NAME', 'DESCRIPTION', 'EXAMPLES'] + ([] if not name.endswith('.1') else
                                                       ['SYNOPSIS', 'EXIT STATUS'])
        check(set(wanted) <= set(sections), '%s: sections %r', name, sections)
    mandoc = harness.tool('mandoc')
    for name in PAGES:
        done = harness.run([mandoc, '-T', 'lint', '-W', 'warning', FILES[name]])
        check_equal((done.stdout + done.stderr).decode(), '', 'mandoc on ' + name)


def completed(words: List[str]) -> Set[str]:
    """What bash offers for the last word."""
    script = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cleave; ' \
        'printf "%s\\n" "${COMPREPLY[@]}"'
    done = harness.run([harness.tool('bash'), '-u', '-c', script, FILES['cleave.bash'], *words])
    check_equal((done.returncode, done.stderr), (0, b''), 'bash completing %r' % words)
    return set(done.stdout.decode().split())


def bash_completes() -> None:
    commands = table()
    check_equal(completed(['cleave', '']),
                {c.split()[0] for c in commands} | {'help', '--help', '--version'}, 'commands')
    check_equal(completed(['cleave', 'generate', '']), {'synflood', 'traffic'}, 'kinds')
    check_equal(completed(['cleave', 'split', '--format', '']), {'input', 'pcap', 'pcapng'}, 'words')
    check_equal(completed(['cleave', 'split', 'a.pcap', '--format', 'pcapn']), {'pcapng'}, 'a word')
    for command, flags in commands.items():
        check_equal(completed(['cleave', *command.split(), '--']),
                    {'--' + name for name, _ in flags}, 'flags of ' + command)


def others_complete() -> None:
    """zsh and fish, where they are; that all flags are there in any case."""
    for shell, name, form in (('zsh', '_cleave', "'--%s[=[]"), ('fish', 'cleave.fish', '-l %s ')):
        text = read(name)
        for command, flags in table().items():
            for flag, _ in flags:
                check(re.search(form % flag, text), '%s: no --%s of %s', name, flag, command)
    ran = 0
    for shell, name in (('zsh', '_cleave'), ('fish', 'cleave.fish')):
        try:
            done = harness.run([harness.tool(shell), '-n', FILES[name]])
        except harness.Skip:
            continue
        ran += 1
        check_equal((done.returncode, done.stderr), (0, b''), '%s -n %s' % (shell, name))
    if not ran:
        raise harness.Skip('neither zsh nor fish is installed')


def main() -> int:
    cases: Dict[str, Callable[[], None]] = {}
    for case in (help_agrees, help_fits, usual_flags_are_there, examples_of_help, every_flag_is_taken,
                 pages_agree, columns_agree, layers_agree, functions_agree, counts_agree,
                 tables_agree, fields_agree, examples_of_pages, pages_are_sound,
                 bash_completes, others_complete):
        cases[case.__name__.replace('_', '-')] = case
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
