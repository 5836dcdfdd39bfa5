"""A window that is no evidence is measured once more, and the broken one set aside: in jobs and trials."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from analysis.arm.inputs import ArmInputs
from analysis.arm.result import AssumedBytes, arm_result
from analysis.arm.views import callers, views
from analysis.verdict import gates
from analysis.verdict.windows import Measured, measured
from k8s.errors import InvalidRunError
from loadtest.record import RunRecord

Window = TypeVar("Window")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attempt:
    """A collected run, read: its window, or why it is no evidence."""

    label: str
    folder: str
    """Of the run, without the path."""
    record: RunRecord
    window: Measured | None
    """None where the run does not say enough to be judged at all."""
    fault: str | None
    """In words: why there is no window, or the first gate that does not hold; None where all do."""
    further: tuple[Measured, ...] = ()
    """The same window as each further Service saw it, where the mode was set on several."""


def attempt(inputs: ArmInputs, *, label: str, assumed: AssumedBytes | None = None) -> Attempt:
    """Read a run's window; a run that cannot be judged is a fault, not an error."""
    seen: list[Measured] = []
    fault = None
    try:
        for one in views(inputs, callers(inputs)):  # those before the one that fails are kept
            seen.append(  # noqa: PERF401
                measured(one, arm_result(one, assumed=assumed or AssumedBytes()), label=label)
            )
    except InvalidRunError as error:
        fault = str(error)
    return Attempt(
        label=label,
        folder=inputs.folder,
        record=inputs.record,
        window=seen[0] if seen else None,
        fault=fault or next(filter(None, map(broken_gate, seen)), None),
        further=tuple(seen[1:]),
    )


def once_more(
    measure: Callable[[], Window],
    fault_of: Callable[[Window], str | None],
    *,
    on_fault: Callable[[Window, str], None],
    set_aside: Callable[[Window, Window, str], None],
) -> Window:
    """What *measure* gives; where *fault_of* finds that broken, what it gives next, whatever that is.

    *on_fault* hears of the broken window before the second one is measured, *set_aside* afterwards: the
    broken one, the one that stands for it, and why.
    """
    first = measure()
    fault = fault_of(first)
    if fault is None:
        return first
    on_fault(first, fault)
    second = measure()
    set_aside(first, second, fault)
    return second


def broken_gate(window: Measured) -> str | None:
    """The first gate of a window that does not hold, in words; None where all do."""
    return next((str(gate) for gate in gates.of_window(window.evidence) if not gate.passed), None)
