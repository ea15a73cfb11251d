# SPDX-License-Identifier: BSD-2-Clause
"""What the end-to-end suites share: running cleave, comparing directories, naming what failed."""
import argparse
import fnmatch
import hashlib
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from typing import IO, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, TypeVar

Result = TypeVar('Result')

SKIPPED = 77  # what meson takes for "skipped"
# After that a command hangs: slow machines are no failure, and none takes a tenth of it on an idle
# one. CLEAVE_PATIENCE is how much longer sanitizers may take.
HANGS_S = 120 * int(os.environ.get('CLEAVE_PATIENCE', 1))
HUNG_MAX = 2  # cases of a suite; then the others are not tried
UNDER_VALGRIND = 20  # times as long, at most

# How much is wanted of a test that takes long because it repeats itself: all (meson test --setup
# full), an eighth, or where sanitizers make everything slow, a sixteenth.
FULL = os.environ.get('CLEAVE_TESTS') == 'full'
SHARE = 1 if FULL else int(os.environ.get('CLEAVE_SHARE', 8))
# One of so many cases is run, where sanitizers make everything slow.
CASES = 1 if FULL else int(os.environ.get('CLEAVE_CASES', 1))

SOURCE_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Skip(Exception):
    """A case cannot run here; the text says what is missing."""


class Failed(AssertionError):
    """What was expected and what was found."""


def skipped(why: Skip) -> Callable[[], None]:
    """A case that skips, for what stands in the way of others."""
    def case() -> None:
        raise why
    return case


def add_seed(parser: argparse.ArgumentParser) -> None:
    """A check of a change must not fail for a fault that was there before and that chance finds:
    meson's setups but full have CLEAVE_TESTS=same, and try the same each time."""
    seed = 1 if os.environ.get('CLEAVE_TESTS') == 'same' else random.SystemRandom().getrandbits(32)
    parser.add_argument('--seed', type=int, default=os.environ.get('CLEAVE_SEED', seed),
                        help='of random choices (default: $CLEAVE_SEED; 1 in a check of a change, or '
                        'a new one)')


def times(n: int) -> int:
    """How often a test does what it does n times where all of it is wanted."""
    return -(-n // SHARE)


def check(true: object, text: str, *args: object) -> None:
    if not true:
        raise Failed(text % args if args else text)


def check_equal(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise Failed('%s: %r instead of %r' % (what, found, wanted))


def tool(name: str) -> str:
    path = shutil.which(name)
    if not path:
        raise Skip('%s is not installed' % name)
    return path


def python_with(module: str) -> str:
    """A Python that has a module of Debian's, which may be another than the one that runs this."""
    folders = os.environ.get('PATH', '').split(':')
    pythons = [sys.executable, *(shutil.which('python3', path=folder) for folder in folders)]
    for python in dict.fromkeys(p for p in pythons if p):
        if run([python, '-c', 'import ' + module]).returncode == 0:
            return python
    raise Skip('no Python on the path has %s' % module)


def hung(fault: BaseException) -> bool:
    """Whether a command did not end, or that is what the fault was raised from."""
    return any(isinstance(f, subprocess.TimeoutExpired) for f in (fault, fault.__cause__))


def run(args: Sequence[str], **more) -> subprocess.CompletedProcess:
    more.setdefault('stdout', subprocess.PIPE)
    more.setdefault('stderr', subprocess.PIPE)
    more.setdefault('timeout', HANGS_S)
    return subprocess.run(list(args), check=False, **more)


def working_place() -> Optional[str]:
    """$TMPDIR rules; else memory, where making 200,000 files takes seconds and not a minute."""
    memory = '/dev/shm'
    if 'TMPDIR' in os.environ or not os.access(memory, os.W_OK):
        return None
    free = os.statvfs(memory)
    roomy = free.f_bavail * free.f_frsize >= 2 << 30 and free.f_favail >= 1000000
    return memory if roomy else None


# Programs that memcheck cannot watch, by what is in them.
UNWATCHABLE = {b'libjemalloc.so': 'it has jemalloc; configure with -Djemalloc=disabled',
               b'__asan_init': 'it carries sanitizers', b'__tsan_init': 'it carries sanitizers'}


def memcheck(program: str, logs: str) -> List[str]:
    """What runs the program under valgrind, which writes only its findings, to files in logs."""
    with open(program, 'rb') as f:
        data = f.read()
    for mark, why in UNWATCHABLE.items():
        if mark in data:
            raise Skip('valgrind cannot see the memory of this program: ' + why)
    return [tool('valgrind'), '-q', '--vgdb=no', '--error-exitcode=99', '--leak-check=full',
            '--errors-for-leak-kinds=definite', '--show-leak-kinds=definite',
            '--log-file=%s/%%p' % logs]


def by_pipe(path: str, use: Callable[[IO[bytes]], Result]) -> Result:
    """What use() gives, which gets the reading end of a pipe that all of the file goes through."""
    with subprocess.Popen(['cat', path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as cat:
        assert cat.stdout
        with cat.stdout as end:
            return use(end)


def watched(args: Sequence[str], stdin: Optional[IO[bytes]] = None) -> Tuple[int, int, int]:
    """Runs args. Gives the status and the peaks of anonymous and of all resident memory, bytes.

    ru_maxrss would not do: a child inherits the peak of the process that it was forked from.
    """
    child = subprocess.Popen(args, stdin=stdin, stdout=subprocess.DEVNULL)
    anon = resident = 0
    while child.poll() is None:
        try:
            with open('/proc/%d/status' % child.pid, encoding='ascii') as f:
                for line in f:
                    word = line.split()
                    if word[0] == 'RssAnon:':
                        anon = max(anon, int(word[1]) * 1024)
                    elif word[0] == 'VmHWM:':
                        resident = max(resident, int(word[1]) * 1024)
        except OSError:
            pass
        time.sleep(0.002)
    return child.returncode, anon, resident


class Suite:
    """Named cases, run one after another; the command line is the same for every suite."""

    def __init__(self, description: str,
                 more_flags: Callable[[argparse.ArgumentParser], None] = lambda _: None) -> None:
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument('--cleave', default=os.environ.get('CLEAVE'),
                            help='the program to test (default: $CLEAVE)')
        add_seed(parser)
        parser.add_argument('--only', default='*', metavar='PATTERN',
                            help='run the cases whose names match')
        parser.add_argument('--keep', action='store_true', help='keep the working directory')
        parser.add_argument('--sanitized', action='store_true',
                            help='the program carries sanitizers: no bounds on its memory')
        parser.add_argument('--valgrind', action='store_true',
                            default=bool(os.environ.get('CLEAVE_VALGRIND')),
                            help='run the program under memcheck (default: $CLEAVE_VALGRIND)')
        more_flags(parser)
        self.args = parser.parse_args()
        if not self.args.cleave:
            parser.error('--cleave or the variable CLEAVE must name the program')
        self.cleave = os.path.abspath(self.args.cleave)
        if not os.access(self.cleave, os.X_OK):
            parser.error('%s is no program' % self.cleave)
        self.seed = int(self.args.seed)
        self.dir = ''
        self.under: List[str] = []  # what the program runs under
        self.patience = UNDER_VALGRIND if self.args.valgrind else 1

    def random(self, name: str) -> random.Random:
        """Random choices that depend on the seed and the case alone."""
        return random.Random('%d %s' % (self.seed, name))

    def path(self, *names: str) -> str:
        return os.path.join(self.dir, *names)

    def write(self, name: str, data: bytes) -> str:
        with open(self.path(name), 'wb') as f:
            f.write(data)
        return self.path(name)

    def run_cleave(self, *args: str, status: Optional[int] = 0,
                   **more) -> subprocess.CompletedProcess:
        more['timeout'] = more.get('timeout', HANGS_S) * self.patience
        done = run([*self.under, self.cleave, *args], **more)
        talk = done.stderr or b''
        if b'Sanitizer' in talk or b'runtime error:' in talk:
            raise Failed('%s\n%s' % (shlex.join(['cleave', *args]), talk.decode(errors='replace')))
        if status is not None and done.returncode != status:
            raise Failed('%s\nexits %d instead of %d: %s' % (
                shlex.join(['cleave', *args]), done.returncode, status,
                talk.decode(errors='replace')))
        return done

    def split(self, capture: str, output: str, *flags: str, status: int = 0) -> dict:
        """Splits, checks that the books balance, gives the summary."""
        done = self.run_cleave('split', capture, '--output', output, '--json', *flags,
                               status=status)
        summary = json.loads(done.stdout)
        lost = summary['records_read'] + summary['copies'] - summary['records_written'] - \
            sum(summary['dropped'].values())
        check_equal(lost, 0, 'records neither written nor dropped')
        return summary

    def run(self, cases: Mapping[str, Callable[[], None]]) -> int:
        """Runs what --only chooses. The status for meson: 0, 1, or 77 where all was skipped."""
        for number in signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM:  # nohup ignores them, and
            signal.signal(number, signal.SIG_DFL)  # so would all programs that are started here
        signal.signal(signal.SIGINT, signal.default_int_handler)  # as do jobs in the background
        print('seed %d%s' % (self.seed, ', all of it' if FULL else ''), flush=True)
        failed: List[str] = []
        n_run = n_skipped = n_hung = 0
        for name, case in self._chosen(cases).items():
            n_run += 1
            if n_hung >= HUNG_MAX:
                failed.append(name)
                print('FAILED  %s: not tried, as others hang' % name, flush=True)
                continue
            started = time.monotonic()
            self.dir = tempfile.mkdtemp(prefix='cleave-test-', dir=working_place())
            try:
                self._begin_watching()
                case()
                check(not self._findings(), 'valgrind has findings')
                print('ok      %s (%.1f s)' % (name, time.monotonic() - started), flush=True)
            except Skip as why:
                n_skipped += 1
                print('skipped %s: %s' % (name, why), flush=True)
            except Exception as fault:  # a broken case must not hide the ones behind it
                failed.append(name)
                n_hung += hung(fault)
                print('FAILED  %s: %s' % (name, fault))
                if not isinstance(fault, Failed):
                    traceback.print_exc(file=sys.stdout)
                print(self._findings(), end='')
                print('repeat: %s' % self._repeat(name), flush=True)
            finally:
                if self.args.keep:
                    print('kept    %s' % self.dir)
                else:
                    shutil.rmtree(self.dir, ignore_errors=True)
        if not n_run:
            print('no case matches %s' % self.args.only)
            return 1
        print('%d run, %d skipped, %d failed%s' % (n_run - n_skipped, n_skipped, len(failed),
                                                   ': ' if failed else ''), ' '.join(failed))
        return 1 if failed else SKIPPED if n_skipped == n_run else 0

    def _chosen(self, cases: Mapping[str, Callable[[], None]]) -> Mapping[str, Callable[[], None]]:
        names = [name for name in cases if fnmatch.fnmatchcase(name, self.args.only)]
        if self.args.only == '*':
            some = set(self.random('cases').sample(names, -(-len(names) // CASES)))
            names = [name for name in names if name in some]
        return {name: cases[name] for name in names}

    def _begin_watching(self) -> None:
        self.under = []
        if self.args.valgrind:
            logs = self.path('valgrind')
            self.under = memcheck(self.cleave, logs)
            os.mkdir(logs)
            os.chmod(logs, 0o1777)  # cases may act as somebody else

    def _findings(self) -> str:
        """Of valgrind; a case may well not look at the status of a run, or expect a failure."""
        if not self.under:
            return ''
        # Beside them: what it left when it was killed, and system calls that it does not know.
        logs = files_of(self.path('valgrind'))
        lines = b''.join(data for name, data in logs.items() if name.isdigit()).decode(
            errors='replace').splitlines(True)
        return ''.join(line for line in lines if line.startswith('=='))

    def _repeat(self, name: str) -> str:
        more = ['--valgrind'] if self.args.valgrind else []
        return shlex.join([sys.executable, os.path.abspath(sys.argv[0]), '--cleave', self.cleave,
                           '--seed', str(self.seed), '--only', name, *more])


# ---- directories ----

def knob_settings(knobs: Mapping[str, Sequence[str]], rng: random.Random,
                  more: int) -> List[Tuple[str, ...]]:
    """Each value of each flag alone, and some random mixes. '': without the flag."""
    def flags(chosen: Mapping[str, str]) -> Tuple[str, ...]:
        return tuple(word for flag, value in chosen.items() if value for word in (flag, value))
    alone = [flags({flag: value}) for flag, values in knobs.items() for value in values if value]
    mixes = [flags({flag: rng.choice(values) for flag, values in knobs.items()})
             for _ in range(more)]
    return sorted(set(alone + mixes))


def files_of(top: str) -> Dict[str, bytes]:
    """Everything below top, by name; a directory ends in a slash and has no bytes."""
    found: Dict[str, bytes] = {}
    for folder, folders, names in os.walk(top):
        base = os.path.relpath(folder, top)
        for name in folders:
            found[os.path.normpath(os.path.join(base, name)) + '/'] = b''
        for name in names:
            with open(os.path.join(folder, name), 'rb') as f:
                found[os.path.normpath(os.path.join(base, name))] = f.read()
    return found


def tree_digest(top: str) -> str:
    """Over names and bytes of everything below top."""
    total = hashlib.sha256()
    n = 0
    for folder, folders, names in os.walk(top):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            fd = os.open(path, os.O_RDONLY)
            digest = hashlib.sha256()
            while True:
                part = os.read(fd, 1 << 20)
                if not part:
                    break
                digest.update(part)
            os.close(fd)
            total.update(os.path.relpath(path, top).encode('utf-8', 'surrogateescape') + b'\0')
            total.update(digest.digest())
            n += 1
    return '%d files %s' % (n, total.hexdigest())


def check_files(found: Mapping[str, bytes], wanted: Mapping[str, bytes]) -> None:
    """The same names with the same bytes; tells the first few differences."""
    faults = ['missing: ' + n for n in sorted(set(wanted) - set(found))]
    faults += ['unexpected: ' + n for n in sorted(set(found) - set(wanted))]
    for name in sorted(set(found) & set(wanted)):
        a, b = found[name], wanted[name]
        if a != b:
            at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            faults.append('%s: %d bytes instead of %d, different at byte %d (%s instead of %s)' % (
                name, len(a), len(b), at, a[at:at + 16].hex(), b[at:at + 16].hex()))
    if faults:
        raise Failed('%d differences:\n  %s' % (len(faults), '\n  '.join(faults[:8])))


def shared_captures() -> str:
    """The directory of captures from the field that tests may use."""
    top = os.environ.get('CLEAVE_SHARED') or os.path.join(SOURCE_ROOT, '..', 'shared')
    found = os.path.normpath(os.path.join(top, 'captures'))
    if not os.path.isfile(os.path.join(found, 'INDEX.tsv')):
        raise Skip('no captures at %s; CLEAVE_SHARED may name the directory above them' % found)
    return found
