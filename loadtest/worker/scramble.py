"""A mix of bits that chooses pages and moments alike: stateless, so that any arrival can be asked for."""

_MASK = (1 << 64) - 1


def scramble(number: int) -> int:
    """A 64-bit mix of *number*: the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    mixed = ((number & _MASK) + 0x9E3779B97F4A7C15) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31)
