"""The console script ``samezone``: hears signals first, then loads the rest.

From the interpreter's start to here, nothing of ours can be heard: a signal then does what Python does.
"""

from k8s.process import interrupts

interrupts.listen("samezone")

from k8s.process import streams  # noqa: E402 - loaded once signals are heard

streams.fill_missing()


def entry() -> int:
    """Run the command; the process's exit code."""
    from analysis import cli  # noqa: PLC0415 - loaded once signals are heard

    return cli.entry()
