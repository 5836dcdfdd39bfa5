"""Random letters for names, as Kubernetes makes them."""

import random
from collections.abc import Callable

from k8s.lab.design.layout import NAME_LETTERS


def letters(seed: int | str) -> Callable[[int], str]:
    """A function that gives so many letters for a name; the same seed gives the same ones."""
    rng = random.Random(seed)  # noqa: S311 - names, not secrets
    return lambda length: "".join(rng.choices(NAME_LETTERS, k=length))
