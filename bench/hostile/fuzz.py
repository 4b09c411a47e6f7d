"""Hostile input that is found by watching which code it reaches: atheris, on what reads the words of strangers.

    ./run bench hostile.fuzz expressions|documents|uploads|frames [--seconds 600]

The first run puts atheris into the user's cache folder with pip: it is no dependency of the project. Compiled code is
not watched. The first input that is neither taken nor refused, or takes longer than a second, ends the run with 1 and
is kept.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from bench.peers import environment

PACKAGE = "atheris>=3"
ENGINE = Path(__file__).resolve().parents[2] / "engine"
NAMES = ("expressions", "documents", "uploads", "frames")
CHILD = "import sys; from bench.hostile.fuzz import watch; watch(*sys.argv[1:])"
# Seconds after which an input counts as one that never ends, and MB after which this process is too large.
ENDLESS, MOST_MEMORY = 20, 4096


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.hostile.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("target", choices=NAMES)
    parser.add_argument("--seconds", type=int, default=600)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix=f"queuant-fuzz-{asked.target}-"))
    withstood = hunted(asked.target, asked.seconds, folder, atheris())
    if withstood:
        shutil.rmtree(folder)
    raise SystemExit(not withstood)


def atheris() -> Path:
    """The folder that holds atheris for this Python; it is installed there once."""
    folder = environment.default().with_name(f"atheris-{sys.implementation.cache_tag}")
    if not (folder / "atheris").exists():
        print(f"installing {PACKAGE} into {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, PACKAGE], check=True)
    return folder


def hunted(name: str, seconds: int, folder: Path, package: Path) -> bool:
    """Hunt for so long, print what came of it, and tell whether nothing was found."""
    from bench.hostile.targets import TARGETS

    target, corpus, log = TARGETS[name], folder / "corpus", folder / "log"
    corpus.mkdir()
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed{number}").write_bytes(seed[: target.longest])
    words = {word.encode("utf-8", "replace") for word in target.words if 0 < len(word) <= 64}
    quoted = ("".join(f"\\x{byte:02x}" for byte in word) for word in sorted(words))
    (folder / "words").write_text("".join(f'"{word}"\n' for word in quoted))
    flags = [
        f"-max_total_time={seconds}",
        f"-max_len={target.longest}",
        f"-timeout={ENDLESS}",
        "-print_final_stats=1",
        "-use_value_profile=1",
    ]
    flags += [f"-rss_limit_mb={MOST_MEMORY}", f"-dict={folder / 'words'}", f"-artifact_prefix={folder}/found-"]
    path = os.pathsep.join([str(ENGINE.parent), str(package)])
    with log.open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-c", CHILD, name, str(folder), *flags, str(corpus)],
            stdout=output,
            stderr=output,
            env={**os.environ, "PYTHONPATH": path},
        )
    told = log.read_text(errors="replace")
    _report(name, told, _outcomes(target, corpus))
    if done.returncode:
        at = max(told.find("=== Uncaught"), told.find("==ERROR"), 0)
        print(told[at or -4000 :][:4000])
        print(f"The input, the log and all inputs before are in {folder}")
    return not done.returncode


def watch(name: str, folder: str, *flags: str) -> None:
    """In a process of its own: watch our code while atheris makes up inputs. Does not return."""
    fuzzer: Any = importlib.import_module("atheris")
    # Whoever compiles a kernel reads its bytecode, in which nothing else may stand.
    files = (path for path in ENGINE.rglob("*.py") if "engine.jit import" in path.read_text())
    kernels = [".".join(path.relative_to(ENGINE.parent).with_suffix("").parts) for path in files]
    ours = ["app", "engine", "simple_websocket", "wsproto"]
    with fuzzer.instrument_imports(include=ours, exclude=["engine.jit", *kernels]):
        from bench.hostile.targets import TARGETS, timed
    home = Path(folder) / "home"
    home.mkdir()
    with TARGETS[name].open(home) as take:
        run = timed(take)
        fuzzer.Setup([name, *flags], lambda data: run(data) and None)
        fuzzer.Fuzz()


def _outcomes(target: Any, corpus: Path) -> Counter[str]:
    """What became of the inputs that each reached something new."""
    with tempfile.TemporaryDirectory() as home, target.open(Path(home)) as take:
        return Counter(take(path.read_bytes()) for path in sorted(corpus.iterdir()))


def _report(name: str, told: str, outcomes: Counter[str]) -> None:
    figures = dict(re.findall(r"stat::(\w+):\s+(\d+)", told))
    reached = re.findall(r"cov: (\d+)", told)
    print(
        f"{name}: {int(figures.get('number_of_executed_units', 0)):,} inputs, "
        f"{figures.get('average_exec_per_sec', '?')} a second, {figures.get('peak_rss_mb', '?')} MB at most; "
        f"places of the code reached: {reached[0] if reached else '?'} → {reached[-1] if reached else '?'}"
    )
    print(f"  {outcomes.total():,} of them reached something new: {outcomes['taken']:,} taken, the others refused as")
    print("  " + ", ".join(f"{code} {count:,}" for code, count in outcomes.most_common() if code != "taken"))


if __name__ == "__main__":
    main()
