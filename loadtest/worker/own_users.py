"""The user's own Locust users: loads their locustfile, unmodified, beside ours.

Its path travels in the environment: a file, or a folder with one in it (where a cluster mounts it). Locust
itself loads it, on the master and on every worker, so its listeners, options and module-level code work as
they do anywhere; modules beside it can be imported, and files be opened relative to it.
"""

import contextlib
import json
import sys
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from locust import User
from locust.util.load_locustfile import load_locustfile

from k8s.errors import UsageError
from k8s.filemark import mark_of
from loadtest.worker.own_file import CHECK, PATH, Description, UserClass
from loadtest.worker.plan import LoadPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnUsers:
    """User classes of a locustfile that is not ours."""

    folder: Path | None
    """Where it lies; users open files relative to it."""
    label: str
    classes: tuple[type[User], ...]
    shapes: tuple[str, ...]

    @property
    def described(self) -> tuple[UserClass, ...]:
        """What dealing users needs of the classes."""
        return tuple(
            UserClass(name=one.__name__, weight=float(one.weight), fixed_count=int(one.fixed_count))
            for one in self.classes
        )

    def trouble(self, plan: LoadPlan) -> str:
        """Why these are not the users that a closed-loop *plan* asks for; empty where they are."""
        if plan.locustfile == self.label:
            return ""
        return f"the load is of locustfile {plan.locustfile}, but this worker has {self.label or 'none'}"


NOBODY: Final = OwnUsers(folder=None, label="", classes=(), shapes=())


def load(environment: Mapping[str, str]) -> OwnUsers:
    """Load the file that *environment* names; NOBODY where it names none, or a folder without one.

    Whatever the file raises comes through, and so does UsageError for one that has no user class.
    """
    path = _path(environment.get(PATH, ""))
    if path is None:
        return NOBODY
    if CHECK in environment:
        sys.excepthook = _Teller(path.parent)
    # Locust looks for modules beside the file while it loads it only; tasks import theirs later.
    sys.path.append(str(path.parent))
    # Back to where this process began until its options are read: a locust.conf beside the file is no plan
    # of ours, but would be read.
    with contextlib.chdir(path.parent):
        classes, shapes = load_locustfile(str(path))
    users = OwnUsers(
        folder=path.parent,
        label=mark_of(path, path.read_bytes()),
        classes=tuple(one for one in classes.values() if one.weight > 0 or one.fixed_count > 0),
        shapes=tuple(type(one).__name__ for one in shapes),
    )
    if not users.classes:
        raise UsageError("no user class; it needs a class that extends HttpUser, FastHttpUser or User")
    if CHECK in environment:
        _tell(Description(label=users.label, classes=users.described, shapes=users.shapes))
    return users


def _path(named: str) -> Path | None:
    path = Path(named) if named else None
    if path is None or path.suffix == ".py":
        return path
    return next(iter(sorted(path.glob("*.py"))), None)


def _tell(found: Description) -> None:
    print(f"{CHECK} {json.dumps(asdict(found))}", flush=True)


class _Teller:
    """An excepthook that says in one line where in the user's own code an error is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        said = " ".join(str(error).split()) or kind.__name__
        if isinstance(error, SyntaxError):
            at, said = f"{error.filename}:{error.lineno}", f"{kind.__name__}: {error.msg}"
        else:
            own = [one for one in traceback.extract_tb(trace) if Path(one.filename).parent == self._folder]
            at = f"{own[-1].filename}:{own[-1].lineno}" if own else ""
            said = said if isinstance(error, UsageError) else f"{kind.__name__}: {said}"
        _tell(Description(problem=f"{at}: {said}" if at else said))
