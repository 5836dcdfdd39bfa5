"""A process's peak of memory is its own, whoever started it."""

import subprocess
import sys

from k8s.bench.peak import peak_mib

LARGE_MIB = 200


def test_a_large_parent_does_not_count():
    """Held and let go here: in this process's peak, and in no child's."""
    held = b"\1" * (LARGE_MIB << 20)
    code = "from k8s.bench.peak import peak_mib; print(peak_mib())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(held) < peak_mib() * 2**20
    assert 5 < float(child.stdout) < LARGE_MIB / 2
