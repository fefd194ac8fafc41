"""How fast we are, as ratios of whole processes that run in turns on one machine.

Seconds differ from machine to machine and are not asserted; ratios should hold. What is
asserted is that both sides found all endpoints unchanged. Takes one to two minutes.
"""

import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import world

ROOT = Path(__file__).parents[2]
US = [sys.executable, "-m", "provisioner"]

# How many endpoints -> how many rounds.
ROUNDS = {1: 5, 100: 3, 1000: 2}


class Cost(NamedTuple):
    """Of one process: seconds by the clock, seconds of processor, MiB at most."""

    wall_s: float
    cpu_s: float
    peak_mib: float

    def __str__(self):
        return f"{self.wall_s:7.3f} s {self.cpu_s:7.3f} s {self.peak_mib:5.0f} MiB"


def measure(command, environ, expected=""):
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    output = process.stdout.read()
    process.stdout.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - began
    if process.returncode or expected not in output:
        sys.exit(f"{' '.join(map(str, command))} exited with {process.returncode}:\n{output}")
    return Cost(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def in_turns(rounds, *commands):
    """The median cost of each command; a first round that warms caches is not counted."""
    costs = [[measure(*command) for command in commands] for _ in range(rounds + 1)][1:]
    return [
        Cost(*map(statistics.median, zip(*one, strict=True))) for one in zip(*costs, strict=True)
    ]


def environ(**more):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"PYTHONPATH": str(ROOT)} | more


def start_up(folder):
    world.write_project(folder, 1, "https://127.0.0.1:1")
    plain = environ()
    nothing, help_, validate = in_turns(
        9,
        ([sys.executable, "-c", "pass"], plain),
        ([*US, "--help"], plain, "validate"),
        ([*US, "validate", "-C", str(folder), "-e", "bench"], plain),
    )
    print("start-up                      wall        cpu     peak   cpu of `python -c pass`")
    print(f"  python -c pass         {nothing}")
    print(f"  provisioner --help     {help_}   {help_.cpu_s / nothing.cpu_s:.1f}x")
    print(f"  provisioner validate   {validate}   {validate.cpu_s / nothing.cpu_s:.1f}x")


SCALES = (100, 1000, 5000)


def scaling(folder):
    """CPU of `validate` for each manifest more; 1.0x for twice as many that cost twice as much."""
    print("validate, by count              cpu   a manifest more, of the same up to 1,000")
    for label, write in (("in many files", many_files), ("in one file", world.write_one_file)):
        commands = []
        for count in SCALES:
            root = folder / f"{label}-{count}"
            write(root, count)
            commands.append(([*US, "validate", "-C", str(root), "-e", "bench"], environ()))
        costs = [cost.cpu_s for cost in in_turns(2, *commands)]
        slopes = [
            (costs[place] - costs[0]) / (SCALES[place] - SCALES[0])
            for place in range(1, len(SCALES))
        ]
        for count, cpu_s, ratio in zip(
            SCALES, costs, (0, *(s / slopes[0] for s in slopes)), strict=True
        ):
            told = f"{ratio:8.2f}x" if ratio else ""
            print(f"  {count:5} {label:18} {cpu_s:7.3f} s {told}")


def many_files(root, count):
    world.write_project(root, count, "https://127.0.0.1:1")


def environments(folder, count):
    """What is done offline with ``count`` endpoints in three environments; aim: 2 s of CPU."""
    world.write_environments(folder, count)
    plain = environ()
    commands = {
        "validate (all three)": ["validate"],
        "render -e prod": ["render", "-e", "prod"],
        "diff dev prod": ["diff", "dev", "prod"],
    }
    costs = in_turns(2, *(([*US, *words, "-C", str(folder)], plain) for words in commands.values()))
    print(f"{count} in three environments      wall        cpu     peak")
    for name, cost in zip(commands, costs, strict=True):
        print(f"  {name:22} {cost}")


def policies(folder, count, number):
    """``validate`` of ``count`` endpoints without and with policies; aim: 2x the processor."""
    without, with_policies = folder / "without", folder / "with"
    for root in (without, with_policies):
        world.write_project(root, count, "https://127.0.0.1:1")
    world.write_policies(with_policies, number)
    found = f"{count} resources in {count} files: valid"
    words = ["validate", "-e", "bench", "-C"]
    plain, judged = in_turns(
        3,
        ([*US, *words, str(without)], environ(), found),
        ([*US, *words, str(with_policies)], environ(), found),
    )
    print(f"validate of {count}              wall        cpu     peak")
    print(f"  without policies       {plain}")
    ratio = f"{judged.cpu_s / plain.cpu_s:.2f}x the processor"
    print(f"  with {number} policies       {judged}   {ratio}")


def releases(folder, count):
    """Where ``count`` released versions stand in three environments; aim: 2 s of CPU."""
    world.write_releases(folder, count)
    offline = [*US, "promote", "--status", "--offline", "-C", str(folder)]
    found = f"{count} variables in 3 environments"
    text, endpoint = in_turns(
        2,
        (offline, environ(), found),
        ([*offline, "endpoint-0000"], environ(), "1 variable in 3 environments"),
    )
    print(f"{count} released versions         wall        cpu     peak")
    print(f"  promote --status       {text}")
    print(f"  --status ENDPOINT      {endpoint}")


@contextmanager
def workspace(folder, count):
    """The address of a server with ``count`` endpoints; its authority is FOLDER/ca.pem."""
    command = [sys.executable, str(world.SERVER), str(folder), str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield f"https://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.terminate()


def plans(folder, count):
    folder.mkdir()
    with workspace(folder, count) as host:
        world.write_project(folder / "project", count, host)
        ours = environ(DATABRICKS_TOKEN=world.TOKEN, SSL_CERT_FILE=str(folder / "ca.pem"))
        theirs = environ(
            DATABRICKS_HOST=host,
            DATABRICKS_TOKEN=world.TOKEN,
            REQUESTS_CA_BUNDLE=str(folder / "ca.pem"),
        )
        found = f"{count} unchanged"
        plan, peer = in_turns(
            ROUNDS[count],
            ([*US, "plan", "-C", str(folder / "project"), "-e", "bench"], ours, found),
            ([sys.executable, str(world.PEER), str(folder / "project")], theirs, found),
        )
    floor_s = math.ceil(count / 64) * world.LATENCY_S
    ratios = [mine / other for mine, other in zip(plan, peer, strict=True)]
    print(f"plan of {count:4}                  wall        cpu     peak")
    print(
        f"  provisioner            {plan}   {plan.wall_s / floor_s:.1f}x the floor {floor_s:.2f} s"
    )
    print(f"  SDK and DeepDiff       {peer}")
    print("  ratio               " + " ".join(f"{ratio:10.3f}" for ratio in ratios))


def main():
    print(
        f"Python {sys.version.split()[0]}, {os.cpu_count()} processors, latency {world.LATENCY_S} s"
    )
    with tempfile.TemporaryDirectory() as name:
        start_up(Path(name, "start-up"))
        scaling(Path(name, "scaling"))
        environments(Path(name, "environments"), 1000)
        policies(Path(name, "policies"), 1000, 50)
        releases(Path(name, "releases"), 1000)
        for count in ROUNDS:
            plans(Path(name, str(count)), count)


if __name__ == "__main__":
    main()
