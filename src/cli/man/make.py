#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the manual pages, and the completions of shells, with the flags that the program knows.

    cleave help --table >TABLE; make.py TABLE [PAGE.in] FILE

PAGE.in is a manual page in mdoc(7), whose text is written and whose flags are the program's:

    .COMMAND split      the command that the following lines are about
    .FLAG by            the item of a list for its flag --by, with letter and value
    .REST               items for all flags of the command that no .FLAG is for, with their help
    .NAMES              the same without help, for flags that another page describes
    .EX, .EE            around an example: as it is, to be pasted into a shell
    .EXAMPLE FILE       the lines of an example (tests/examples) after its first comments
    @default@           in text: the default of the last .FLAG

In text, `word` is literal, *WORD* stands for something, --flag and page(1) are recognised.
Without PAGE.in FILE is a completion: _cleave for zsh, cleave.fish, or else for bash.
"""
import os
import re
import sys
import textwrap
from typing import Dict, List, NamedTuple


class Flag(NamedTuple):
    name: str
    letter: str
    value: str  # how help calls it; words with | between them; '': none
    summary: str  # one line
    default: str  # '': none

    @property
    def help(self) -> str:
        return self.summary + (' (default: %s)' % self.default if self.default else '')

    @property
    def optional(self) -> str:
        """The one value that it may have, or ''."""
        return self.value[2:-1] if self.value.startswith('[=') else ''

    @property
    def words(self) -> List[str]:
        """What the value may be, if there are few."""
        found = self.value.split('|')
        return found if len(found) > 1 and all(re.fullmatch(r'[a-z][a-z-]*|-', w)
                                               for w in found) else []


class Command(NamedTuple):
    name: str
    operands: str
    summary: str
    flags: List[Flag]


def read_table(lines: List[str]) -> Dict[str, Command]:
    commands: Dict[str, Command] = {}
    for line in lines:
        kind, *fields = line.rstrip('\n').split('\t')
        if kind == 'command':
            name, operands, summary = fields
            last = commands[name] = Command(name, operands, summary, [])
        else:
            last.flags.append(Flag(*fields))
    return commands


# ---- manual pages ----

def escaped(text: str) -> str:
    """As text of mdoc: nothing in it is a macro or an escape."""
    return re.sub(r"^([.'])", r'\\&\1', text.replace('\\', '\\e').replace('-', '\\-'))


def folded(line: str) -> List[str]:
    """Lines of text that are short enough for who reads the source."""
    return [re.sub(r"^([.'])", r'\\&\1', part)
            for part in textwrap.wrap(line, 78, break_long_words=False, break_on_hyphens=False)]


# Literal; what stands for something; a flag; another page.
MARKS = re.compile(r'`([^`]+)`|\*([A-Z][^*\s]*)\*|(?<![\w\\-])(--[a-z][a-z0-9-]*)|'
                   r'\b([a-z][\w.-]*)(?=\([1-8]\))')


def marked(line: str) -> str:
    """Text, with its marks as fonts."""
    def font(m: 're.Match[str]') -> str:
        name = 'I' if m[2] else 'B'
        return '\\f%s%s\\fR' % (name, escaped(m[1] or m[2] or m[3] or m[4]))
    return MARKS.sub(font, line)


def value_of(flag: Flag) -> str:
    if not flag.value:
        return ''
    if flag.optional:
        return ' Ns Oo = Ns Cm %s Oc' % escaped(flag.optional)
    if flag.words:
        return ' Ns = Ns ' + ' Ns | Ns '.join('Cm ' + escaped(w) for w in flag.words)
    return ' Ns = Ns Ar ' + escaped(flag.value)


def item(flag: Flag) -> str:
    short = 'Fl %s , ' % flag.letter if flag.letter else ''
    return '.It %sFl \\-%s%s' % (short, escaped(flag.name), value_of(flag))


def items_with_help(flags: List[Flag]) -> List[str]:
    out = []
    for flag in flags:
        text = flag.help[:1].upper() + flag.help[1:]
        out += [item(flag)] + folded(escaped(text if text.endswith('.') else text + '.'))
    return out


def example(name: str) -> List[str]:
    here = os.path.dirname(os.path.abspath(__file__))
    path = os.path.join(here, '..', '..', '..', 'tests', 'examples', name)
    with open(path, encoding='utf-8') as f:
        lines = f.read().rstrip('\n').split('\n')
    while re.match('# |/[*] |$', lines[0]):
        lines.pop(0)
    return [escaped(line) for line in lines]


def page(source: str, source_name: str, commands: Dict[str, Command]) -> str:
    out: List[str] = []
    literal, default = False, ''
    command = next(iter(commands.values()))
    done: List[str] = []
    for line in source.split('\n'):
        word, _, rest = line.partition(' ')
        if word == '.EE':
            literal = False
            out.append('.Ed')
        elif word == '.EX':
            literal = True
            out.append('.Bd -literal -offset indent')
        elif literal:
            out.append(escaped(line))
        elif word == '.COMMAND':
            command, done = commands[rest], []
        elif word == '.FLAG':
            flag = next(f for f in command.flags if f.name == rest)
            default = flag.default
            done.append(rest)
            out.append(item(flag))
        elif word == '.REST':
            out += items_with_help([f for f in command.flags if f.name not in done])
        elif word == '.NAMES':
            out += [item(f) for f in command.flags if f.name not in done]
        elif word == '.EXAMPLE':
            out += example(rest)
        elif line and line[0] not in ".'":
            if '@default@' in line and not default:
                sys.exit('%s: --%s has no default' % (source_name, flag.name))
            out += folded(marked(line.replace('@default@', '`%s`' % default)))
        else:
            out.append(line)
    return '\n'.join(out)


# ---- completions ----

def first_words(commands: Dict[str, Command]) -> Dict[str, List[str]]:
    """The first word of each command, with the second ones that there are."""
    out: Dict[str, List[str]] = {}
    for name in commands:
        first, _, second = name.partition(' ')
        out.setdefault(first, []).extend([second] if second else [])
    return {**out, 'help': list(out)}


def bash(commands: Dict[str, Command]) -> str:
    firsts = first_words(commands)
    out = ['# Completion of cleave(1) for bash, made from its flags.',
           '_cleave() {',
           '    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command',
           '    local words= flags= at=1',
           '    COMPREPLY=()',
           '    if [ "$COMP_CWORD" -eq 1 ]; then',
           '        words="%s --help --version"' % ' '.join(firsts),
           '    else',
           '        command=${COMP_WORDS[1]}',
           '        case $command in']
    for first, seconds in firsts.items():
        if seconds:
            out += ['        %s)' % first,
                    '            if [ "$COMP_CWORD" -eq 2 ]; then words="%s"; fi' %
                    ' '.join(seconds),
                    '            command="$command ${COMP_WORDS[2]}" ;;']
    out += ['        esac', '        case $command in']
    for command in commands.values():
        out += ['        "%s")' % command.name, '            case $before in']
        for flag in command.flags:
            if flag.words:
                names = '--' + flag.name + ('|-' + flag.letter if flag.letter else '')
                out.append('            %s) words="%s" ;;' % (names, ' '.join(flag.words)))
        out += ['            esac',
                '            flags="%s" ;;' % ' '.join('--' + f.name for f in command.flags)]
    out += ['        esac', '    fi',
            '    case $word in',
            '    -*) COMPREPLY=($(compgen -W "$flags $words" -- "$word")) ;;',
            '    *) if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$word")); fi ;;',
            '    esac',
            '}',
            'complete -o default -F _cleave cleave', '']
    return '\n'.join(out)


def quoted(text: str) -> str:
    return "'%s'" % text.replace("'", "'\\''")


def zsh_flag(flag: Flag) -> List[str]:
    text = re.sub(r'([\[\]:\\])', r'\\\1', flag.help)
    value = ''
    if flag.words:
        value = ':value:(%s)' % ' '.join(flag.words)
    elif flag.value and not flag.optional:
        value = ':%s:%s' % (re.sub(r'[\[\]:]', '', flag.value),
                            '_files' if flag.value in ('DIR', 'FILE') else '')
    out = [quoted('--%s%s[%s]%s' % (flag.name, '=' if value else '', text, value))]
    if flag.letter:
        out.append(quoted('-%s[%s]%s' % (flag.letter, text, value)))
    return out


def zsh(commands: Dict[str, Command]) -> str:
    firsts = first_words(commands)
    out = ['#compdef cleave', '# Completion of cleave(1) for zsh, made from its flags.', '_cleave() {',
           '    if (( CURRENT == 2 )); then',
           '        compadd -- %s --help --version' % ' '.join(firsts),
           '        return', '    fi', '    local command=${words[2]}', '    case $command in']
    for first, seconds in firsts.items():
        if seconds:
            out += ['    %s)' % first,
                    '        if (( CURRENT == 3 )); then compadd -- %s; return; fi' %
                    ' '.join(seconds),
                    '        command="$command ${words[3]}"',
                    '        shift words; (( CURRENT-- )) ;;']
    out += ['    esac', '    shift words; (( CURRENT-- ))', '    case $command in']
    for command in commands.values():
        out += ['    %s)' % quoted(command.name), '        _arguments -s -S \\']
        for flag in command.flags:
            out += ['            %s \\' % text for text in zsh_flag(flag)]
        out.append("            '*:file:_files' ;;")
    return '\n'.join(out + ['    esac', '}', '_cleave "$@"', ''])


def fish(commands: Dict[str, Command]) -> str:
    firsts = first_words(commands)
    out = ['# Completion of cleave(1) for fish, made from its flags.',
           'complete -c cleave -n __fish_use_subcommand -f -a %s' % quoted(' '.join(firsts)),
           'complete -c cleave -n __fish_use_subcommand -l help -s h -d "show help"',
           'complete -c cleave -n __fish_use_subcommand -l version -s V -d "show the version"']
    for first, seconds in firsts.items():
        if seconds:
            out.append('complete -c cleave -n "__fish_seen_subcommand_from %s" -f -a %s' % (
                first, quoted(' '.join(seconds))))
    for command in commands.values():
        seen = ' && '.join('__fish_seen_subcommand_from ' + w for w in command.name.split())
        for flag in command.flags:
            line = 'complete -c cleave -n %s -l %s' % (quoted(seen), flag.name)
            line += ' -s ' + flag.letter if flag.letter else ''
            if flag.words:
                line += ' -x -a ' + quoted(' '.join(flag.words))
            elif flag.value and not flag.optional:
                line += ' -r' + ('' if flag.value in ('DIR', 'FILE') else ' -f')
            out.append(line + ' -d ' + quoted(flag.help))
    return '\n'.join(out + [''])


def main() -> None:
    table, *source, path = sys.argv[1:]
    with open(table, encoding='utf-8') as f:
        commands = read_table(f.readlines())
    if source:
        with open(source[0], encoding='utf-8') as f:
            text = page(f.read(), source[0], commands)
    else:
        text = {'_cleave': zsh, 'cleave.fish': fish}.get(os.path.basename(path), bash)(commands)
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)


if __name__ == '__main__':
    main()
