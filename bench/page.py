# SPDX-License-Identifier: BSD-2-Clause
"""The generated parts of RESULTS.md, and its pictures, made of results.json."""
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import picture
from timing import median


SIZES = ["small", "mixed", "large"]


# --- cells: no figure without its unit -------------------------------------------------------

def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}" if value < 0.1 else f"{value:.2f}"


def seconds(values):
    return f"{number(median(values))} s"


def spread(values):
    runs = f"{len(values)} runs" if len(values) > 1 else "1 run"
    return f"{number(min(values))} to {number(max(values))} s, {runs}"


def ratio(of, to):
    """The median of the ratios of runs that stood next to each other."""
    return median([a / b for a, b in zip(of, to)])


def times(value, what):
    return f"{number(value)} times {what}"


def against(r, rival, name="cleave"):
    """How many times as long cleave takes as a rival; None where that did not run."""
    other = r["wall"].get(rival)
    return ratio(r["wall"][name], other) if other else None


def rival_columns(*rivals):
    columns = []
    for rival in rivals:
        columns.append((rival, lambda r, rival=rival: seconds(r["wall"][rival])))
        columns.append(("cleave takes", lambda r, rival=rival: times(against(r, rival), rival)))
    return columns


def size(value):
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if value >= scale:
            return f"{value / scale:.2f} {unit}"
    return f"{value / 1e3:.0f} kB"


def label(r):
    if r.get("related"):
        return "flows that lead to each other"
    sizes = {"mixed": "packets of mixed sizes"}.get(r["sizes"], f"{r['sizes']} packets")
    flows = "1 million" if r["flows"] == 1_000_000 else f"{r['flows']:,}"
    return f"{flows} flows, {sizes}"


def table(results, columns):
    """One line per result; each column is a heading and what it says of a result."""
    return ["| " + " | ".join(heading for heading, _ in columns) + " |",
            "|---" * len(columns) + "|",
            *("| " + " | ".join(cell(r) for _, cell in columns) + " |" for r in results)]


def shown(argv, scratch):
    """A command as a reader would type it."""
    words = [str(word).replace(f"{scratch}/", "") for word in argv]
    return shlex.join([os.path.basename(words[0]), *(os.path.basename(word) if word.startswith("/")
                                                     else word for word in words[1:])])


# --- claims ----------------------------------------------------------------------------------

HEAD = [
    ("capture", label),
    ("packets", lambda r: f"{r['records']:,}"),
]
CLEAVE = [
    ("cleave", lambda r: seconds(r["wall"]["cleave"])),
    ("least to most", lambda r: spread(r["wall"]["cleave"])),
    ("speed", lambda r: size(r["capture_bytes"] / median(r["wall"]["cleave"])) + "/s"),
]
MEMORY = [("memory", lambda r: f"{r['anonymous_bytes'] >> 20} MiB")]


def single_thread(results):
    if not all("cleave, 1 thread" in r["wall"] for r in results):
        return []
    return [("on 1 thread", lambda r: seconds(r["wall"]["cleave, 1 thread"]))]


def files_table(results):
    return table(results, HEAD + [("files", lambda r: f"{r['files']:,}")] + CLEAVE +
                 rival_columns("cp", "floor") + single_thread(results) + MEMORY)


def archive_table(results):
    def optional(name):
        return (name, lambda r: seconds(r["wall"][name]) if name in r["wall"] else "not installed")

    packers = [name for name in ("zip", "bsdtar") if any(name in r["wall"] for r in results)]
    lines = table(results, HEAD + [("members", lambda r: f"{r['files']:,}")] + CLEAVE +
                  rival_columns("cp", "directory") + MEMORY)
    if packers:
        lines += ["", "To pack the directory that cleave makes, in addition to making it:", "",
                  *table(results, HEAD[:1] + [optional(name) for name in packers])]
    readers = [name for name in dict.fromkeys(name for r in results for name in r["read"])]
    if readers:
        lines += ["", "Other programs that read the archive:", "",
                  *table(results, HEAD[:1] + [
                      (name, lambda r, name=name: seconds(r["read"][name]) if name in r["read"]
                       else "not installed") for name in readers])]
    return lines


def index_table(results):
    def column(name):
        return lambda r: seconds(r["wall"][name])

    return table(results, HEAD + [
        ("table of flows", column("flows")),
        ("that is", lambda r: times(against(r, "dd", "flows"), "dd")),
        ("index", column("index")),
        ("that is", lambda r: times(against(r, "dd", "index"), "dd")),
        ("dd", column("dd")),
        ("size of the index", lambda r: f"{size(r['index_bytes'])}, "
                                        f"{100 * r['index_bytes'] / r['capture_bytes']:.1f} %"),
        ("1 flow out of it", column("extract one")),
        (f"{results[0]['extracted']} flows out of it", column("extract many")),
    ])


def option_rows(results):
    return [{"of": r, "option": option, "does": does, "wall": r["wall"]}
            for r in results for option, does in r["does"].items()]


def options_table(results):
    return table(option_rows(results), [
        ("option", lambda o: f"`{o['option']}`"), ("what it does", lambda o: o["does"]),
        ("capture", lambda o: f"{label(o['of'])}, {size(o['of']['capture_bytes'])}"),
        ("with it", lambda o: seconds(o["wall"][o["option"]])),
        ("without", lambda o: seconds(o["wall"]["cleave"])),
        ("it takes", lambda o: times(option_cost(o), "as long")),
    ])


def option_cost(o):
    return ratio(o["wall"][o["option"]], o["wall"]["cleave"])


def thread_rows(results):
    return [{"of": r, "threads": n, "wall": walls,
             "speedup": median(r["wall"]["1"]) / median(walls)}
            for r in results for n, walls in r["wall"].items()]


def threads_table(results):
    return table(thread_rows(results), [
        ("threads", lambda t: t["threads"]), ("cleave", lambda t: seconds(t["wall"])),
        ("least to most", lambda t: spread(t["wall"])),
        ("as fast as 1 thread", lambda t: f"{t['speedup']:.2f} times"),
    ])


def peer_rows(results):
    """cleave's own ways first, then others from the fastest on, then those without a time."""
    rows = []
    for r in results:
        first = r["wall"][r["cleave"][0]]
        of_case = [{"of": r, "name": name, "wall": walls, "ratio": ratio(walls, first)}
                   for name, walls in r["wall"].items()]
        of_case.sort(key=lambda p: (p["name"] not in r["cleave"], p["ratio"]))
        rows += of_case + [{"of": r, "name": name, "wall": None, "says": says}
                           for name, says in r["failed"].items()]
    return rows


def program(p):
    version = p["of"]["versions"].get(p["name"])
    return f"{p['name']} ({version})" if version else p["name"]


def peers_table(results):
    def takes(p):
        if not p["wall"]:
            return "no time: incomplete" if "packets" in p["says"] else "no time"
        if p["name"] == p["of"]["cleave"][0]:
            return "1.00 times"
        return times(p["ratio"], p["of"]["cleave"][0])

    rows = peer_rows(results)
    lines = table(rows, [
        ("job", lambda p: p["of"]["title"]),
        ("capture", lambda p: f"{p['of']['flows']:,} flows, {size(p['of']['capture_bytes'])}"),
        ("program", program),
        ("time", lambda p: seconds(p["wall"]) if p["wall"] else p["says"]),
        ("against cleave", takes),
    ])
    does, commands, checks = {}, {}, {}
    for r in results:
        does |= r["does"]
        checks[r["title"]] = r["checked"]
        commands |= r["commands"]
    lines += ["", "What was run, and what it makes:", ""]
    for name, command in commands.items():
        lines.append(f"- {name}: " + (f"{does[name]}. " if name in does else "") + f"`{command}`")
    lines += ["", "What has to be complete: " +
              "; ".join(f"for {title}, {check}" for title, check in checks.items()) + "."]
    return lines


def bar(name, walls, kind="other"):
    return name, median(walls), seconds(walls), kind


def seconds_by_rival(kinds, skip=()):
    """Bars of a result: one for each program."""
    def groups(results):
        return [(label(r), [bar(name, walls, kinds.get(name, "other"))
                            for name, walls in r["wall"].items() if name not in skip])
                for r in results]
    return groups


def option_groups(results):
    return [(None, [(o["option"], option_cost(o), times(option_cost(o), "as long"), "cleave")
                    for o in option_rows(results)])]


def thread_groups(results):
    return [(label(t["of"]) if t["threads"] == "1" else None,
             [bar(f"threads: {t['threads']}", t["wall"], "cleave")]) for t in thread_rows(results)]


def peer_groups(results):
    groups = {}
    for p in peer_rows(results):
        own = p["name"] in p["of"]["cleave"]
        row = (bar(p["name"], p["wall"], "cleave" if own else "other") if p["wall"] else
               (p["name"], None, p["says"], "other"))
        groups.setdefault(f"{p['of']['title']}: {label(p['of'])}", []).append(row)
    return list(groups.items())


def extremes(value, what):
    """The best and the worst case of a claim."""
    def sentence(results):
        known = sorted(((value(r), label(r)) for r in results if value(r) is not None))
        if not known:
            return ""
        best, worst = known[0], known[-1]
        if len(known) == 1:
            return f"**{times(best[0], what)}** ({best[1]})."
        return (f"Best: **{times(best[0], what)}** ({best[1]}). "
                f"Worst: **{times(worst[0], what)}** ({worst[1]}).")
    return sentence


def option_extremes(results):
    costs = sorted((option_cost(o), o["option"]) for o in option_rows(results))
    return (f"Best: **{times(costs[0][0], 'as long')}** (`{costs[0][1]}`). "
            f"Worst: **{times(costs[-1][0], 'as long')}** (`{costs[-1][1]}`).")


def thread_extremes(results):
    rows = sorted((t for t in thread_rows(results) if t["threads"] != "1"),
                  key=lambda t: t["speedup"])
    if not rows:
        return ""
    return (f"Best: **{rows[-1]['speedup']:.2f} times as fast as 1 thread** "
            f"({rows[-1]['threads']} threads). Worst: **{rows[0]['speedup']:.2f} times** "
            f"({rows[0]['threads']} threads).")


def peer_extremes(results):
    rows = [p for p in peer_rows(results) if p["wall"] and p["name"] not in p["of"]["cleave"]]
    rows.sort(key=lambda p: p["ratio"])
    if not rows:
        return ""

    def said(p):
        return (f"**{times(p['ratio'], 'as long as cleave')}** ({p['name']}, {p['of']['title']}, "
                f"{p['of']['flows']:,} flows)")
    return f"Fastest of them: {said(rows[0])}. Slowest: {said(rows[-1])}."


@dataclass
class Claim:
    key: str
    title: str
    says: str
    table: Callable
    best_and_worst: Callable
    groups: Callable  # of bars
    picture: str  # its title


CLAIMS = [
    Claim("files", "One file per flow",
          "`cleave split CAPTURE`, against `cp CAPTURE`, which writes as many bytes into one file, "
          "and against `floor`, which does nothing but create the same files with the same sizes.",
          files_table, extremes(lambda r: against(r, "cp"), "cp"),
          seconds_by_rival({"cleave": "cleave", "floor": "bound"}, ("cleave, 1 thread",)),
          "One file per flow: seconds"),
    Claim("archive", "One archive with all flows",
          "`cleave split CAPTURE -o OUT.zip`, against `cp`, and against cleave into a directory.",
          archive_table, extremes(lambda r: against(r, "cp"), "cp"),
          seconds_by_rival({"cleave": "cleave", "directory": "cleave"}),
          "One archive with all flows: seconds"),
    Claim("index", "List, index, extract",
          "`cleave flows CAPTURE --csv`, `cleave index CAPTURE`, and `cleave extract INDEX`, "
          "against `dd if=CAPTURE of=/dev/null bs=1M`, which only reads.",
          index_table, extremes(lambda r: against(r, "dd", "index"), "dd, to make the index"),
          seconds_by_rival({"dd": "bound", "flows": "cleave", "index": "cleave",
                            "extract one": "cleave", "extract many": "cleave"}),
          "List, index, extract: seconds"),
    Claim("options", "What options cost",
          "A split with an option, against the same split without it.",
          options_table, option_extremes, option_groups,
          "A split with an option, as many times as long as without it"),
    Claim("threads", "Threads", "`cleave split -t N`.",
          threads_table, thread_extremes, thread_groups, "Threads: seconds"),
    Claim("peers", "Other programs",
          "Jobs that other programs do as well, on smaller captures, since some take long. A "
          "program that loses packets has no time: its row says how many packets it kept. Programs "
          "that were not installed are left out.",
          peers_table, peer_extremes, peer_groups, "Other programs: seconds"),
]


def rows_of(result):
    """What is printed of one case."""
    claim = next(claim for claim in CLAIMS if claim.key == result["claim"])
    return claim.table([result])


# --- the page --------------------------------------------------------------------------------

def facts_line(facts):
    parts = [f"{facts['cpu']}, {facts['processors']} processors"]
    if facts.get("memory"):
        parts.append(f"{facts['memory']} of memory")
    parts += [f"Linux {facts['kernel']}", f"outputs on {facts['file_system']}",
              f"captures of {facts['bytes'].replace('GB', ' GB').replace('MB', ' MB')}"]
    if facts["threads"] != facts["processors"]:
        parts.append(f"{facts['threads']} threads")
    version = f"cleave {facts['cleave']}" + (f" ({facts['commit']})" if facts["commit"] else "")
    return ", ".join(parts + [version] + ([facts["date"]] if facts.get("date") else [])) + "."


def lines_of(out, facts, results, missing):
    lines = [facts_line(facts), ""]
    if missing:
        lines += ["Not measured yet: " + ", ".join(missing) + ".", ""]
    for claim in CLAIMS:
        mine = [r for r in results if r["claim"] == claim.key]
        if claim.key != "peers":  # these stay in the order of jobs
            mine.sort(key=lambda r: (r.get("related", False), r["flows"], SIZES.index(r["sizes"])))
        if not mine:
            continue
        (out / "plots").mkdir(exist_ok=True)
        replace_file(out / "plots" / f"{claim.key}.svg",
                     picture.bars(claim.picture, claim.groups(mine)))
        lines += [f"## {claim.title}", "", claim.says, "", claim.best_and_worst(mine), "",
                  *claim.table(mine), "", f"![{claim.picture}](plots/{claim.key}.svg)", ""]
    return lines


def replace_file(path, text):
    """A reader sees the old text or the new one."""
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    os.replace(new, path)


def replace_part(path, name, lines):
    """Puts lines between the two comments that name a program; what else is there stays."""
    begin, end = f"<!-- {name} writes what follows: do not edit -->", f"<!-- end of {name} -->"
    text = path.read_text() if path.exists() else "# Speed\n"
    part = "\n".join([begin, "", *lines, end])
    if begin in text and end in text:
        before, rest = text.split(begin, 1)
        text = before + part + rest.split(end, 1)[1]
    else:
        text = text.rstrip("\n") + "\n\n" + part + "\n"
    replace_file(path, text)


def write(out, facts, results, missing):
    out = Path(out)
    replace_part(out / "RESULTS.md", "bench/run", lines_of(out, facts, results, missing))
