"""Kubernetes quantities of CPU ("1930m", "2", "1.5", "4e3", "100u", "1Ki") as whole milli-CPU."""

import math
import re
from fractions import Fraction

from k8s.errors import UsageError

_FORM = re.compile(
    r"([+-]?)(\d{1,60}\.?\d{0,60}|\.\d{1,60})(?:([eE][+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)", re.ASCII
)
_DECIMAL_POWERS = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY_POWERS = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def cpu_milli(quantity: str | int) -> int:
    """*quantity* in milli-CPU, rounded up as ``Quantity.MilliValue`` does; UsageError if it is none.

    The arithmetic is exact: "1.0001m" is 2, not 1.
    """
    found = None if isinstance(quantity, bool) else _FORM.fullmatch(str(quantity))
    if found is None:
        raise UsageError(f'{quantity!r} is not a CPU quantity; write it as "1930m" or "2"')
    sign, digits, exponent, suffix = found.groups()
    if exponent:
        factor = Fraction(10) ** int(exponent[1:])
    elif suffix in _BINARY_POWERS:
        factor = Fraction(2 ** _BINARY_POWERS[suffix])
    else:
        factor = Fraction(10) ** _DECIMAL_POWERS.get(suffix, 0)
    milli = math.ceil(Fraction(digits) * factor * 1000)
    if sign == "-" and milli:
        raise UsageError(f"{quantity!r} is negative; CPU is not")
    return milli
