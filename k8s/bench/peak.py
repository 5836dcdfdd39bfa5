"""How much memory a process has taken, for benchmarks that measure in a process of its own."""

from pathlib import Path


def peak_mib() -> float:
    """MiB that this process had in memory at most since its program began (Linux).

    ``getrusage`` would start with what the process that started it held at that moment: see
    ``setmax_mm_hiwater_rss`` in the kernel's fs/exec.c.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    (kib,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kib) / 1024
