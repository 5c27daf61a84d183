#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Does the table of `mmunotify coverage` say what is promised?

  coverage.py TOOL LIBC unprivileged   the sources that anybody may use
  coverage.py TOOL LIBC privileged     bpf, and the peers beside ours
  coverage.py TOOL LIBC options        the command line
"""
import json
import os
import subprocess
import sys

# Set by "meson test"; a free() that writes into what it frees is another row.
os.environ.pop("MALLOC_PERTURB_", None)

SEEN = {"before", "after", "seen"}

# Ways in which a pinned translation dies, of the peers' table: musl has fewer, and
# its entries cannot be patched.  Then what each source must see of them.
TABLE = {"glibc": 57, "musl": 50}
LEAST = {
    "glibc": {"auto": 47, "entries": 31, "uffd": 40, "seccomp": 55,
              "uffd,seccomp": 55, "bpf": 53},
    "musl": {"uffd": 34, "uffd,seccomp": 48},
}

# What no peer sees, and whoever relies on "auto" does.
NAMED = [
    ("dlclose: .bss", "libc"),
    ("dlclose: .data", "libc"),
    ("madvise(MADV_GUARD_INSTALL)", "libc"),
    ("madvise(MADV_GUARD_INSTALL) memfd", "libc"),
    ("shmat(SHM_REMAP) over it", "libc"),
    ("shmat(SHM_REMAP) over anonymous memory", "libc"),
    ("remap_file_pages", "libc"),
    ("mremap(MREMAP_FIXED): overmapped destination", "libc"),
    ("mremap(MREMAP_FIXED): overmapped destination", "raw"),
    ("ftruncate(memfd, 0)", "libc"),
    ("truncate(memfd, 0)", "libc"),
    ("open(O_TRUNC) of a memfd", "libc"),
    ("fallocate(PUNCH_HOLE)", "libc"),
    ("execve through libc", "libc"),
    ("execvp", "libc"),
    ("process exit", "libc"),
    ("_exit", "libc"),
    ("quick_exit", "libc"),
    ("munmap(whole)", "raw"),
    ("munmap raw from another thread", "raw"),
    ("munmap from a thread older than the source", "raw"),
    ("madvise(MADV_DONTNEED) anon", "raw"),
    ("madvise(MADV_DONTNEED) from another thread", "raw"),
    ("madvise(MADV_DONTNEED) from a thread older than the source", "raw"),
]

cases = []


def case(holds, claim):
    cases.append(bool(holds))
    print(f"{'ok' if holds else 'not ok'} {len(cases)} - {claim}")


def skip(claim, reason):
    cases.append(True)
    print(f"ok {len(cases)} - {claim} # SKIP {reason}")


def call(tool, *arguments):
    return subprocess.run([tool, "coverage", *arguments], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          check=False)


def by_name(row):
    return f"{row['name']} ({row['via']})"


def none_of(rows, claim):
    """No row is left over; those that are, are shown."""
    case(not rows, claim)
    for row in rows:
        print(f"# {by_name(row) if 'by' in row else row}")


class Table:
    """What one run of the command measured."""

    def __init__(self, tool, sources, *arguments):
        chosen = [word for s in sources for word in ("--source", s)]
        run = call(tool, "--json", *chosen, *arguments)
        self.status, self.stderr = run.returncode, run.stderr
        everything = json.loads(run.stdout)
        self.unprivileged = everything["unprivileged"]
        self.sources, self.rows = everything["sources"], everything["rows"]

    def counted(self):
        """The rows of the peers' table."""
        return [r for r in self.rows if r["table"] and r["dies"] and
                r["truth_pinned"] in ("LOST", "MOVED")]

    def row(self, name, via):
        return next(r for r in self.rows if (r["name"], r["via"]) == (name, via))


def sees(row, source):
    return row["by"][source]["verdict"] in SEEN


def check_truth(table, libc):
    names = [by_name(r) for r in table.rows]
    case(len(set(names)) == len(names), f"{len(names)} rows, each once")
    case(len(table.counted()) == TABLE[libc],
         f"{len(table.counted())} of the peers' rows lose a pinned page")


def check_tally(table, name):
    """The sums are those of the rows."""
    for sums, rows in [(table.sources[name], [r for r in table.rows if r["dies"]]),
                       (table.sources[name]["table"], table.counted())]:
        verdicts = [r["by"][name]["verdict"] for r in rows]
        if sums["total"] != len(rows) or \
           sums["seen"] != sum(v in SEEN for v in verdicts) or \
           sums["declared"] != verdicts.count("declared") or \
           sums["missed"] != verdicts.count("missed"):
            return False
    return True


def check_source(table, name, libc):
    """One of ours: never silent, never in the way."""
    source = table.sources[name]
    if source["error"]:
        case(False, f"{name}: {source['error']}")
        return
    judged = [(r, r["by"][name]) for r in table.rows if not r["error"]]
    none_of([r for r, j in judged if r["dies"] and
             j["verdict"] not in SEEN | {"declared"}],
            f"{name}: every page that dies is seen or declared")
    none_of([r for r, j in judged if j["breaks"]],
            f"{name}: every call does what it does alone")
    none_of([r for r, j in judged if j["unflagged"]],
            f"{name}: who is told afterwards is told so")
    none_of([r for r, j in judged if not r["dies"] and j["verdict"] not in
             SEEN | {"quiet"}], f"{name}: what stays is no death")
    seen, least = source["table"]["seen"], LEAST[libc][name]
    case(seen >= least, f"{name}: {seen} of these seen, {least} at least")
    case(check_tally(table, name), f"{name}: the sums are right")


def check_before(table, name):
    none_of([r for r in table.rows if r["via"] == "libc" and
             r["by"][name]["verdict"] in ("after", "seen")],
            f"{name}: of calls through libc, all before the page goes")


def unprivileged(tool, libc):
    names = [n for n in LEAST[libc] if n != "bpf"]
    best = "auto" if "auto" in names else "uffd,seccomp"
    table = Table(tool, names, "--unprivileged")
    case(table.unprivileged and table.status == 0 and not table.stderr,
         f"{'; '.join(names)}: without privilege")
    check_truth(table, libc)
    for name in names:
        check_source(table, name, libc)
        if name != "uffd":
            check_before(table, name)
    for name, via in NAMED:
        if libc == "glibc" or not name.startswith("dlclose"):
            case(sees(table.row(name, via), best),
                 f"{best} sees: {name}, {via}")
    for name in names:
        case(table.row("execve in a vfork child", "libc")["by"][name]["verdict"]
             == "quiet", f"{name}: who executes in a vfork child lives on")


def check_peer(table, name):
    """It stands in the same table, and misses what ours sees."""
    claim = f"{name} sees far less than auto"
    source = table.sources[name]
    if source["error"]:
        skip(claim, source["error"])
        return
    ours, theirs = table.sources["auto"]["table"], source["table"]
    only_theirs = [r for r in table.counted()
                   if sees(r, name) and not sees(r, "auto")]
    case(0 < theirs["seen"] <= ours["seen"] - 8 and theirs["missed"] > 8,
         f"{claim}: {theirs['seen']} to {ours['seen']}, "
         f"{theirs['missed']} in silence")
    none_of(only_theirs, f"{name} sees nothing that auto does not see")
    case(check_tally(table, name), f"{name}: the sums are right")


def privileged(tool, libc):
    names = ["auto", "bpf", "ucm", "libfabric-memhooks", "libfabric-uffd"]
    table = Table(tool, names)
    case(not table.unprivileged and table.status == 0 and not table.stderr,
         "auto, bpf and peers in one table")
    check_truth(table, libc)
    check_source(table, "auto", libc)
    if table.sources["bpf"]["error"]:
        skip("bpf", table.sources["bpf"]["error"])
    else:
        check_source(table, "bpf", libc)
        check_before(table, "bpf")
        none_of([r for r in table.rows if r["dies"] and sees(r, "auto") and
                 not sees(r, "bpf")], "bpf: sees all that auto sees")
    for name in names[2:]:
        check_peer(table, name)


def refused(tool, *arguments):
    run = call(tool, *arguments)
    return run.returncode == 2 and not run.stdout and run.stderr


def options(tool, libc):
    listed = call(tool, "--list")
    lines = listed.stdout.splitlines()
    case(listed.returncode == 0 and not listed.stderr, "--list")
    one = Table(tool, ["uffd"], "--row", "munmap")
    case(one.status == 0 and list(one.sources) == ["uffd"],
         "--source uffd: that one alone")
    case(one.rows and all("munmap" in r["name"] for r in one.rows),
         f"--row munmap: {len(one.rows)} rows of that name")
    case(len([n for n in lines if "munmap" in n.split("  ")[0]]) ==
         len(one.rows), "and --list has as many")
    case(all(any(n.startswith(f"  {s} ") for n in lines) for s in LEAST[libc]),
         "--list has our sources")

    two = Table(tool, ["uffd", "uffd,seccomp", "uffd"], "--row",
                "munmap(whole)")
    case(list(two.sources) == ["uffd", "uffd,seccomp"],
         "--source: as many as one likes, each once, in that order")
    text = call(tool, "--source", "uffd", "--row", "munmap(whole)")
    rows = [n for n in text.stdout.splitlines() if n.startswith("munmap(whole)")]
    case(text.returncode == 0 and len(rows) == 2 and
         all(n.endswith(" post") for n in rows), "in text: a line for each way")
    case(not any(n.startswith("madvise") for n in text.stdout.splitlines()),
         "and no other row")
    loud = call(tool, "--verbose", "--source", "uffd", "--row", "_exit")
    case(loud.returncode == 0, "--verbose")

    case(refused(tool, "--source", "nonesuch"), "a source that is not: refused")
    case(refused(tool, "--source"), "--source without a name: refused")
    case(refused(tool, "--row"), "--row without text: refused")
    case(refused(tool, "--row", "nonesuch"), "no row of that name: refused")
    case(refused(tool, "--nonesuch"), "an option that is not: refused")
    case(refused(tool, "uffd"), "an argument that is no option: refused")
    for sources in LEAST[libc]:
        run = subprocess.run([tool, "probe"], text=True, capture_output=True,
                             env={**os.environ, "MMUNOTIFY_SOURCES": sources},
                             check=False)
        case(run.returncode == 0 and run.stdout and not run.stderr,
             f"mmunotify probe, with {sources}")


def main():
    tests = {f.__name__: f for f in (unprivileged, privileged, options)}
    if len(sys.argv) != 4 or sys.argv[2] not in TABLE or sys.argv[3] not in tests:
        sys.exit(__doc__)
    tests[sys.argv[3]](os.path.abspath(sys.argv[1]), sys.argv[2])
    print(f"1..{len(cases)}")
    return 0 if all(cases) else 1


if __name__ == "__main__":
    sys.exit(main())
