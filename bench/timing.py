# SPDX-License-Identifier: BSD-2-Clause
"""Timed runs of programs, in turn, and what they leave behind."""
import os
import re
import resource
import statistics
import subprocess
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional


class Failed(Exception):
    """A case that cannot be measured; the others can."""


@dataclass
class Command:
    argv: list
    cwd: Optional[Path] = None
    reported: bool = False  # prints its own seconds: the floor leaves out what it reads first
    before: Callable[[], None] = lambda: None  # not timed


class Timed:
    """Seconds and CPU seconds of one finished process. Its standard output is in a file."""

    def __init__(self, command, timeout, stdout):
        command.before()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.monotonic()
        self.timed_out = False
        with open(stdout, "wb") as out:
            try:
                done = subprocess.run(list(map(str, command.argv)), stdin=subprocess.DEVNULL,
                                      stdout=out, stderr=subprocess.PIPE, timeout=timeout,
                                      cwd=command.cwd)
                self.status, self.stderr = done.returncode, done.stderr.decode(errors="replace")
            except subprocess.TimeoutExpired:
                self.status, self.stderr, self.timed_out = -1, "", True
        self.wall = round(time.monotonic() - start, 6)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu = round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 6)
        if command.reported and self.status == 0:
            self.wall = float(Path(stdout).read_text())


def in_turn(commands, again, run):
    """Runs all commands in turn, so that a ratio is taken pair by pair on a machine whose speed
    drifts: one round to warm up, then `runs` more. Returns rows by name.

    run(name, command) returns a Timed, or None for a command that is not to be run again. A command
    that has taken `patience` seconds drops out; if it ran only once, this run counts. The first
    command is what others are compared with: it stays for three rounds at least."""
    first, (runs, patience) = next(iter(commands)), again
    spent = dict.fromkeys(commands, 0.0)
    rows = {name: [] for name in commands}
    for n in range(runs + 1):
        for name, command in commands.items():
            stays = n <= 3 if name == first else n == 0
            if not stays and spent[name] >= patience:
                continue
            timed = run(name, command)
            spent[name] += timed.wall if timed else float("inf")
            if timed:
                rows[name].append(timed)
    return {name: row[1:] or row for name, row in rows.items()}


def median(values):
    return statistics.median(values) if values else None


def remove(path):
    """Removes what is there. `rm` takes a fraction of the time of shutil for a million files, and
    two of them, each with half of the sub-directories, half of that."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    with os.scandir(path) as entries:
        folders = [e.path for e in entries if e.is_dir(follow_symlinks=False)]
    children = [subprocess.Popen(["rm", "-rf", *half]) for half in (folders[::2], folders[1::2])
                if half]
    for child in children:
        child.wait()
    subprocess.run(["rm", "-rf", str(path)], check=True)


def files_below(folder):
    """Size and path of each file, relative to the folder."""
    found, folders = [], [str(folder)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    found.append((entry.stat().st_size, os.path.relpath(entry.path, folder)))
    return found


def captures(out):
    """Size and name of each capture in an output of cleave."""
    if out.is_dir():
        files = files_below(out)
    else:
        with zipfile.ZipFile(out) as archive:
            files = [(m.file_size, m.filename) for m in archive.infolist()]
    return [(size, name) for size, name in files if name.endswith(".pcap")]


def watch(argv):
    """Standard output of a run, and its peak of anonymous memory in bytes, sampled from /proc."""
    peak = 0
    with subprocess.Popen(list(map(str, argv)), stdout=subprocess.PIPE) as child:
        while child.poll() is None:
            try:
                status = Path(f"/proc/{child.pid}/status").read_text()
                peak = max(peak, int(re.search(r"RssAnon:\s*(\d+)", status)[1]) * 1024)
            except (OSError, TypeError):
                pass
            time.sleep(0.01)
        stdout = child.stdout.read()
    if child.returncode != 0:
        raise Failed(f"{argv[0]} ended with status {child.returncode}")
    return stdout, peak

