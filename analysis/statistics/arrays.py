"""Arrays by what they hold; of shape (rows,) unless it is said otherwise."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Codes = NDArray[np.integer[Any]]
"""0-based positions in a list of names, or of groups."""
Flags = NDArray[np.bool_]
"""Marks."""
