"""Runs the parts of the proofs, `make proofs` or `make proofs PART=kill`, and counts cells.

A part that was interrupted goes on with what has not passed yet, as long as code and seed are
the same. Journals and reports are in ``.provisioner/proofs``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proof_cells import LEFT_OUT
from proofs import COVERAGE, PARTS

ROOT = Path(__file__).parents[2]
FOLDER = Path(".provisioner/proofs")
NO_TESTS = 5
LONGEST_MIN = 28.0
# So many of the modules with the most lines that no test reaches are shown.
SHOWN = 25


@dataclass(frozen=True)
class Files:
    """The files of one part below ``folder``."""

    folder: Path
    part: str

    @property
    def journal(self) -> Path:
        return self.folder / f"{self.part}.jsonl"

    @property
    def done(self) -> Path:
        return self.folder / f"{self.part}.done"

    @property
    def state(self) -> Path:
        """What the journal belongs to: code and seed."""
        return self.folder / f"{self.part}.json"

    def lines(self) -> list[dict[str, Any]]:
        if not self.journal.exists():
            return []
        return [json.loads(line) for line in self.journal.read_text("utf-8").splitlines()]


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs the proofs and counts their cells.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--seed", default="0", help="where random choices begin (default 0)")
    parser.add_argument("--anew", action="store_true", help="try again what passed before")
    parser.add_argument("--tests", default="tests", help="folder of the tests")
    parser.add_argument(
        "--minutes",
        type=float,
        default=LONGEST_MIN,
        help="after which the rest of a part is skipped",
    )
    parser.add_argument("--workers", default="auto", help="processes, 0 for this one alone")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; parts: {', '.join(PARTS)}")
    results = [run(part, options) for part in options.parts or PARTS]
    print()
    for part, (_, text) in zip(options.parts or PARTS, results, strict=True):
        print(f"{part:<12} {text}")
    return max(code for code, _ in results)


def run(part: str, options: argparse.Namespace) -> tuple[int, str]:
    """The exit code of a part, and its counts in words."""
    print(f"== {part}: {PARTS[part].shows}", flush=True)
    begun, used_s = time.monotonic(), processor_s()
    FOLDER.mkdir(parents=True, exist_ok=True)
    if part == COVERAGE:
        code, text = measure_coverage()
    else:
        code, text = run_tests(Files(FOLDER, part), options)
    if PARTS[part].also:
        code = max(code, subprocess.run(PARTS[part].also, check=False).returncode)
    minutes, used_min = (time.monotonic() - begun) / 60, (processor_s() - used_s) / 60
    return code, f"{text}; {minutes:.1f} min, {used_min:.1f} min of one core"


def processor_s() -> float:
    """What all processes that this one started have used so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_tests(files: Files, options: argparse.Namespace) -> tuple[int, str]:
    state = json.dumps({"code": code_identity(), "seed": options.seed})
    if options.anew or not files.state.exists() or files.state.read_text("utf-8") != state:
        files.journal.unlink(missing_ok=True)
    files.state.write_text(state, "utf-8")
    before = files.lines()
    passed = [line for line in before if line["result"] == "passed"]
    keys = (json.dumps([line["test"], line["cell"]]) for line in passed)
    files.done.write_text("".join(f"{key}\n" for key in keys), "utf-8")
    command = [sys.executable, "-m", "pytest", options.tests, "-n", options.workers]
    # One test after the other goes to whichever process is free: some take minutes.
    command += ["--dist", "load", "--maxschedchunk", "1"]
    command += ["--proof-until", str(time.time() + options.minutes * 60)]
    command += ["--proof-part", files.part, "--proof-seed", options.seed]
    command += ["--proof-journal", str(files.journal), "--proof-done", str(files.done)]
    environment = {**os.environ, "PROVISIONER_PROOFS": "1"}
    code = subprocess.run(command, env=environment, check=False).returncode
    text = in_words(files.lines(), len(before))
    return 0 if code == NO_TESTS and passed else code, f"{text}; seed {options.seed}"


def in_words(lines: list[dict[str, Any]], before: int) -> str:
    """The counts of a part; the first ``before`` lines of its journal are of earlier runs."""
    counts: Counter[str] = Counter()
    for line in lines[before:]:
        counts[line["result"]] += line["count"]
    earlier = sum(line["count"] for line in lines[:before] if line["result"] == "passed")
    text = (
        f"{counts['passed'] + counts['failed']} cells tried, {counts['failed']} failed, "
        f"{counts['skipped']} skipped, {earlier} passed before"
    )
    left_out = {line["test"]: line["count"] for line in lines if line["result"] == LEFT_OUT}
    rest = sum(left_out.values())
    return f"{text}, {rest} not in the sample" if rest else text


def code_identity() -> str:
    """Changes with every change of a file that git knows."""
    words = (["rev-parse", "HEAD^{tree}"], ["diff", "HEAD"])
    outputs = (subprocess.run(["git", *each], capture_output=True, check=False) for each in words)
    return hashlib.sha256(b"".join(each.stdout for each in outputs)).hexdigest()


def measure_coverage() -> tuple[int, str]:
    """Runs what `make test` runs, and writes which lines were not reached."""
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "erase"], check=False)
    tests = subprocess.run([*coverage, "run", "-m", "pytest", "-n", "auto"], check=False)
    subprocess.run([*coverage, "combine", "--quiet"], check=False)
    report = [*coverage, "report", "--show-missing", "--skip-covered", "--sort=miss"]
    text = subprocess.run(report, capture_output=True, text=True, check=False).stdout
    (FOLDER / "coverage.txt").write_text(text, "utf-8")
    lines = text.splitlines()
    # The modules with the most lines are at the end; the last three lines are a rule and sums.
    print("\n".join([*lines[:2], *lines[-SHOWN - 3 :]]))
    total = next((line.split()[-1] for line in lines if line.startswith("TOTAL")), "nothing")
    return tests.returncode, f"{total} of the lines reached; see {FOLDER / 'coverage.txt'}"


if __name__ == "__main__":
    sys.exit(main())
