"""A window that is no evidence is measured once more, and the broken one set aside: in jobs and trials."""

from collections.abc import Callable
from typing import TypeVar

from analysis.verdict import gates
from analysis.verdict.windows import Measured

Window = TypeVar("Window")


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
