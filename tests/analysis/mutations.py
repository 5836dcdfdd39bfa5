"""Artifacts mutated at random, read and judged as production does: nothing may end in a traceback, and no
headline figure may change without a word.

``python -m tests.analysis.mutations --count 100000 --seed 1`` prints what became of them. Three whole runs
(``stored_shop``) lose bytes, keys, nodes, pods, pages and lines, get other numbers, texts and other runs'
files. Each mutation ends as one of these:

- *refused*: a SamezoneError of one line.
- *named*: a gate fails that held, or there is a caveat that was not there.
- *harmless*: the same-zone share, the calls, the coverage and the verdict are what they were.
- *unknowable*: a headline figure changed, and nothing in the folder says that it should be another one.
  ``UNKNOWABLE`` lists those kinds by their keys, with the reason.
- *silent*: anything else, and a fault of samezone; so is a *traceback*.

A ``comparison.json`` is rendered, not judged: what is in it is what is printed, and ``compare`` makes it anew
from the artifacts.
"""

import argparse
import random
import re
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from analysis import artifacts, history
from analysis.arm.inputs import ArmInputs
from analysis.arm.result import AssumedBytes, arm_result
from analysis.report import formats
from analysis.verdict import gates, windows
from analysis.verdict.compare import compare
from k8s.errors import SamezoneError
from loadtest import rundir
from tests.analysis import stored_shop
from tests.analysis.changes import Change, changed_paths, mutate
from tests.analysis.stored_shop import BASELINE, CANDIDATE, NULL, ROLES

FILES: Final = (rundir.RECORD, rundir.TOPOLOGY, rundir.GRAPH, rundir.GRAPH, rundir.TRACES, rundir.TRUTH)
"""What is mutated; graphs twice as often."""
JUDGED_EVERY: Final = 10
"""Of those that pass every gate, so many are compared as well: it takes far longer than reading."""
RENDERED_EVERY: Final = 25
"""Of all mutations, one in so many is of a result."""
MEMORY: Final = 3 * 1024**3
"""Address space; what wants more gets a MemoryError, and that is a traceback."""
UNKNOWABLE: Final[dict[str, str]] = {
    r"record\.json: asked\.(client|service)\.": (
        "another Service is asked about, and the calls to it are real: the question is the record's alone"
    ),
    r"traces\.jsonl\.gz: .*(start_time|end_time|peer\.port|\"id\"|parent_id|peer\.address)": (
        "a time, a port or a link of one sampled call: the graph has sums of all calls, not this one"
    ),
    r"traces\.jsonl\.gz: .*(name|pod|instance_id|fault|error|annotations|metadata|Document|subsegments)": (
        "what one sampled call says of its ends, where the graph's names are pods: a weight in the interval"
    ),
    r"truth\.json: ": "relays' counts decide whether each call had its own connection; nothing else says it",
}
"""Keys (file: path, a regular expression) whose change nothing else in the folder contradicts -> why."""


@dataclass(frozen=True, kw_only=True)
class Headline:
    """What a reader takes home of one run."""

    share: float | None
    calls: int
    coverage: float | None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One run, read."""

    inputs: ArmInputs
    headline: Headline
    named: frozenset[str]
    """Gates that fail, and caveats."""
    failed: bool


@dataclass(kw_only=True)
class Tally:
    """What became of the mutations."""

    ends: Counter[str] = field(default_factory=Counter)
    by_change: Counter[tuple[str, str]] = field(default_factory=Counter)
    unknowable: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    faults: list[str] = field(default_factory=list)
    """Tracebacks and silent changes, each with what it takes to make it again."""


class Campaign:
    """Three runs on disk, and what they say when they are whole."""

    def __init__(self, root: Path, *, seed: int, with_truth: bool) -> None:
        self.root, self.seed, self.tally = root, seed, Tally()
        stored_shop.store(root, with_truth=with_truth)
        self.whole = {role: seen(root / role) for role in ROLES}
        assert not any(one.failed for one in self.whole.values()), self.whole
        self.inputs = {role: one.inputs for role, one in self.whole.items()}
        self.verdict = self._verdict(self.inputs)
        self.files = {
            (role, name): (root / role / name).read_bytes()
            for role in ROLES
            for name in dict.fromkeys(FILES)
            if (root / role / name).is_file()
        }
        comparison = compare(
            self.inputs[BASELINE], self.inputs[CANDIDATE], null=self.inputs[NULL], created_s=1.0, versions=()
        )
        rundir.write_json(root / CANDIDATE / rundir.COMPARISON, comparison)
        self.result = (root / CANDIDATE / rundir.COMPARISON).read_bytes()

    def run(self, number: int) -> None:
        """Mutation *number*: the same one for a seed."""
        rng = random.Random(f"{self.seed}/{number}")
        if number % RENDERED_EVERY == 0:
            self._render(rng, number)
            return
        role, name = (
            rng.choice(sorted(self.files, key=str))
            if rng.random() < 0.5
            else (rng.choice(ROLES), rng.choice(FILES))
        )
        if (role, name) not in self.files:
            name = rundir.GRAPH
        other = self.files[rng.choice([one for one in ROLES if one != role]), name]
        before = self.files[role, name]
        change = mutate(rng, name, before, other)
        if change.data == before:
            self.tally.ends["unchanged"] += 1
            return
        path = self.root / role / name
        try:
            if change.data is None:
                path.unlink()
            else:
                path.write_bytes(change.data)
            end, why = self._judge(role, number)
        finally:
            path.write_bytes(before)
        if end == "silent":
            kind = _unknowable(name, before, change)
            if kind is not None:
                end = "unknowable"
                self.tally.unknowable[kind] += 1
            else:
                why += f"; keys {', '.join(list(changed_paths(name, before, change.data))[:5])}"
        self._note(end, change.name, name, f"{number}: {change.name} of {role}/{name}: {why}")

    def _note(self, end: str, change: str, name: str, said: str) -> None:
        self.tally.ends[end] += 1
        self.tally.by_change[f"{name}: {change}", end] += 1
        if end in {"traceback", "silent"}:
            self.tally.faults.append(said)

    def _judge(self, role: str, number: int) -> tuple[str, str]:
        """How reading and judging the mutated run ends, and why."""
        whole = self.whole[role]
        try:
            found = seen(self.root / role)
            news = found.named - whole.named
            if news:
                return "named", min(news)
            if found.headline != whole.headline:
                return "silent", f"{whole.headline} became {found.headline}"
            if number % JUDGED_EVERY == 0:
                self.tally.compared += 1
                history.run_of(found.inputs, None)
                verdict = self._verdict({**self.inputs, role: found.inputs})
                if verdict[0] != self.verdict[0] and not verdict[1] - self.verdict[1]:
                    return "silent", f"{self.verdict[0]} became {verdict[0]}"
                if verdict[1] - self.verdict[1]:
                    return "named", min(verdict[1] - self.verdict[1])
        except SamezoneError as error:
            return ("refused", "") if "\n" not in str(error) else ("traceback", f"two lines: {error}")
        except Exception:  # noqa: BLE001 - that is what is looked for
            return "traceback", traceback.format_exc()
        return "harmless", ""

    def _verdict(self, inputs: dict[str, ArmInputs]) -> tuple[str, frozenset[str]]:
        """The decision, and every caveat that goes with it."""
        found = compare(inputs[BASELINE], inputs[CANDIDATE], null=inputs[NULL], created_s=1.0, versions=())
        assert found.verdict is not None
        assert found.effects is not None
        caveats = (*found.caveats, *found.effects.caveats)
        return found.verdict.decision.value, frozenset(one.text for one in caveats)

    def _render(self, rng: random.Random, number: int) -> None:
        """A mutated result is read and rendered in every format, or refused."""
        change = mutate(rng, rundir.COMPARISON, self.result, self.result)
        folder = self.root / CANDIDATE
        if change.data is None or change.data == self.result:
            self.tally.ends["unchanged"] += 1
            return
        (folder / rundir.COMPARISON).write_bytes(change.data)
        end, why = "rendered", ""
        try:
            comparison = artifacts.read_comparison(folder)
            if number % (8 * RENDERED_EVERY) == 0:
                for _ in formats.documents(comparison, formats.COMPARISON):
                    pass
            else:
                formats.COMPARISON["report.md"](comparison)
        except SamezoneError as error:
            end, why = ("refused", "") if "\n" not in str(error) else ("traceback", f"two lines: {error}")
        except Exception:  # noqa: BLE001 - that is what is looked for
            end, why = "traceback", traceback.format_exc()
        self._note(end, change.name, rundir.COMPARISON, f"{number}: {change.name} of comparison.json: {why}")


def seen(folder: Path) -> Seen:
    """A run as production reads it; raises what that raises."""
    inputs = artifacts.read_arm(folder)
    result = arm_result(inputs, assumed=AssumedBytes())
    window = windows.measured(inputs, result, label="x")
    failed = {str(gate.name) for gate in gates.of_window(window.evidence) if not gate.passed}
    pair = result.pairs[0]
    return Seen(
        inputs=inputs,
        headline=Headline(
            share=None if pair.share is None else pair.share.estimate,
            calls=pair.calls,
            coverage=pair.coverage,
        ),
        named=frozenset({*failed, *(caveat.text for caveat in result.caveats)}),
        failed=bool(failed),
    )


def _unknowable(name: str, before: bytes, change: Change) -> str | None:
    """The kind that covers every key that changed; None where one of them is covered by none."""
    kinds: set[str | None] = set()
    for path in changed_paths(name, before, change.data):
        kinds.add(next((kind for kind in UNKNOWABLE if re.match(kind, f"{name}: {path}")), None))
    return None if None in kinds or not kinds else min(one for one in kinds if one)


def campaign(count: int, seed: int, *, first: int = 0, out: Callable[[str], None] = print) -> Tally:
    """So many mutations of a seed, from number *first* on; half off the lab, without relays' counts."""
    limit = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, limit[1]))
    whole = Tally()
    shm = Path("/dev/shm")  # noqa: S108 - a memory disk, where there is one
    try:
        with tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None) as place:
            half = [
                Campaign(Path(place) / name, seed=seed, with_truth=truth)
                for name, truth in (("lab", True), ("cloud", False))
            ]
            for one in half:
                one.tally = whole
            began_s = time.monotonic()
            for number in range(first, first + count):
                known = len(whole.faults)
                half[number // 2 % 2].run(number)
                for fault in whole.faults[known:]:
                    out(fault)
                if (number - first) % 1000 == 999:
                    out(f"{number - first + 1} in {time.monotonic() - began_s:.0f} s: {dict(whole.ends)}")
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limit)
    return whole


def lines(tally: Tally) -> Iterator[str]:
    """What became of them, in words."""
    yield f"{tally.ends.total()} mutations, {tally.compared} compared as well: {dict(tally.ends)}"
    for kind, times in tally.unknowable.most_common():
        yield f"unknowable, {times}: {kind}: {UNKNOWABLE[kind]}"
    yield from tally.faults


def main() -> int:
    """Exit code 1 with a traceback or a silent change."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    args = parser.parse_args()
    tally = campaign(args.count, args.seed, first=args.first, out=lambda line: print(line, flush=True))
    for line in lines(tally):
        print(line)
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
