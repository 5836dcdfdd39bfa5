"""What must be done, whatever falls into it."""

from collections.abc import Callable
from typing import Final

from k8s.errors import InterruptedRunError, SamezoneError

_ATTEMPTS: Final = 3
"""How often what must be done is begun, should Ctrl-C fall into it."""


def insist(do: Callable[[], object]) -> Exception | None:
    """Do what must be done, anew where Ctrl-C falls into it; returns why it could not be done."""
    for _ in range(_ATTEMPTS):
        try:
            do()
        except KeyboardInterrupt:
            continue
        except (SamezoneError, OSError) as trouble:
            return trouble
        return None
    return InterruptedRunError(f"interrupted {_ATTEMPTS} times")
