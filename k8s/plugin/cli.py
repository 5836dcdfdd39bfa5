"""``kubectl samezone``: the verbs that look at a cluster, as a plugin of kubectl.

kubectl runs the program ``kubectl-samezone`` that it finds on PATH, with the rest of the words. A person at
kubectl means the current context, so that is the default here, not the lab.
"""

import sys

from k8s import cli
from k8s.console import Io, Parser, guarded, perform, verbs_of
from k8s.doctor import cli as doctor_cli
from k8s.errors import UsageError
from k8s.predict import cli as predict_cli
from k8s.process import interrupts, streams


def entry() -> int:
    """Run what kubectl was asked for; ``k8s/plugin/entry.py`` comes first."""
    interrupts.listen("kubectl samezone")
    streams.make_tolerant()
    return run(sys.argv[1:], Io())


def run(words: list[str], io: Io) -> int:
    """Run one verb; returns the exit code and never raises for what a user can cause."""

    def one_verb() -> int:
        args = parser().parse_args(words)
        if args.verb == "doctor" and args.target is None and args.service is None:
            if not args.all and (args.client or args.mode):
                raise UsageError("doctor: --client and --mode need a SERVICE; name it as NS/NAME")
            # Without a name a person at kubectl means all of them.
            args.all = True
        return perform(args, io)

    return guarded("kubectl samezone", io, one_verb)


def parser() -> Parser:
    """``doctor`` and ``predict``, on the cluster of the current context."""
    made = Parser(
        prog="kubectl samezone", description="Zone routing of Services: what is wrong, and what would be."
    )
    verbs = verbs_of(made, dest="verb", kind=Parser)
    doctor_cli.add(verbs, add_place=_add_place, open_cluster=cli.open_cluster)
    predict_cli.add(verbs, add_place=_add_place, open_cluster=cli.open_cluster)
    return made


def _add_place(one: Parser) -> None:
    cli.add_place(one, changing=False)
    one.set_defaults(platform="cluster")


if __name__ == "__main__":
    sys.exit(entry())
