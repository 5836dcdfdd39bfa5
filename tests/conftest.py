"""How Hypothesis works in all tests: the only place that says so.

No profile has a deadline, and none minds slow generation: both would measure how busy the machine is. What is
fast enough is measured by ``make bench``.
"""

import os

from hypothesis import HealthCheck, settings

from tests.signals import let_children_hear

ANY_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("dev", ANY_MACHINE)
# The same examples in every run: a change is to blame for a failure, not the dice.
settings.register_profile("ci", ANY_MACHINE, derandomize=True, print_blob=True)
# Of make fast: the tests that name no number of examples of their own take a few.
settings.register_profile("fast", ANY_MACHINE, derandomize=True, max_examples=25)
settings.load_profile("ci" if os.environ.get("CI", "").lower() == "true" else "dev")

let_children_hear()
