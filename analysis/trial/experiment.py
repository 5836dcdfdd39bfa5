"""An experiment from its design to its folder: windows' runs, the journal, and ``trial.json`` beside them.

What interrupts it leaves a ``trial.json`` that says so, and ``resume`` goes on with it. Nothing but the
journal and the windows' folders is needed for either, so a process that was killed loses one window.
"""

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

from analysis import artifacts
from analysis.arm.result import AssumedBytes
from analysis.jobs.again import Attempt
from analysis.jobs.measuring import Session, fitted
from analysis.trial import book as books
from analysis.trial import concluding, journal
from analysis.trial import run as trial_run
from analysis.trial import values as trials
from analysis.trial.bench import RunBench, TornBlockError, begin_again
from analysis.trial.book import Book
from analysis.trial.design import Design, refuse_unplannable, refuse_unwatched
from analysis.trial.journal import JOURNAL, AskedDesign, Journal, Reach
from analysis.trial.kept import KeptBench
from analysis.trial.run import Found, Order
from analysis.trial.values import Planned, Trial
from k8s.errors import SamezoneError, UsageError
from k8s.live.claims import HeldByOtherError
from k8s.live.several import check_services, each_of
from k8s.topology import ServiceKey
from loadtest import bounds, rundir
from loadtest.measure import Load
from loadtest.record import Caveat, Place, Traffic
from loadtest.swarm.platforms import PlatformCluster

TRIAL: Final = "trial.json"
BY_HAND: Final = "by hand"
NULL_LABELS: Final = {
    trial_run.null_label(number, half) for number in range(1, trial_run.MOST_NULL_PAIRS + 1) for half in "ab"
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRequest:
    """An experiment to be made."""

    design: Design
    load: Load
    """Of every window; its plan's duration is replaced by the design's."""
    runs: Path
    """Folder of the run folders; the experiment makes its own in it."""
    assumed: AssumedBytes = field(default_factory=AssumedBytes)
    reach: Reach = field(default_factory=Reach)
    """How the place is reached, for whoever goes on with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conducted:
    """An experiment that was made."""

    folder: Path
    trial: Trial


def conduct(session: Session, request: ExperimentRequest) -> Conducted:
    """Certify, measure in blocks, judge; every window's run and the trial are in the experiment's folder.

    UsageError, before anything is done, for a design that nothing can be planned from, and where nobody
    agrees to the first window: then no folder is left.

    Whatever a window raises ends it: the windows before it are kept in a trial that says so, and the reader
    is told how to go on.
    """
    traffic, design = session.traffic, request.design
    refuse_unplannable(design)
    if request.load.traffic is Traffic.LIVE:
        refuse_unwatched(design)
    platform = traffic.open_platform()
    place = platform.place()
    check_services(traffic.holds, platform.cluster, request.load.services)
    began_s = traffic.clock()
    folder = rundir.create(request.runs, "experiment", now_s=began_s)
    begun = Journal(
        created_s=began_s,
        place=place,
        reach=request.reach.settled(session.choice(place)),
        design=AskedDesign.of(design),
        load=fitted(session, request.load),
        assumed=request.assumed,
        versions=traffic.versions,
    )
    traffic.say(
        f"experiment {', '.join(design.arms)} on Service {_names(request.load)} in context {place.context}"
    )
    with books.held(folder):
        return _carried_on(session, Book(folder, begun, monotonic=traffic.monotonic))


def resume(session: Session, folder: Path) -> Conducted:
    """Go on with an interrupted experiment, as it was planned.

    UsageError for a folder that is none, for one that is finished, and where the place is another one now;
    UnreachableError where another process is measuring it.
    """
    kept = open_journal(folder)
    with books.held(folder):
        kept = books.read(folder)
        platform = session.traffic.open_platform()
        refuse_other_place(folder, kept.place, platform.place())
        each_of(kept.load.services, partial(_put_back, session, platform.cluster, folder))
        count = len(kept.windows)
        session.traffic.say(
            f"experiment {', '.join(kept.design.arms)} on Service {_names(kept.load)} in context "
            f"{kept.place.context} goes on after {count} window{'' if count == 1 else 's'}"
        )
        return _carried_on(session, Book(folder, kept, monotonic=session.traffic.monotonic))


def _names(load: Load) -> str:
    return ", ".join(map(str, load.services))


def _put_back(session: Session, cluster: PlatformCluster, folder: Path, service: ServiceKey) -> None:
    """Give a Service what it had before a window of this trial that was killed under its mode.

    HeldByOtherError where a living process has the Service, or the run that left it is none of this trial's.
    """
    traffic = session.traffic
    try:
        traffic.holds.check(cluster, service)
    except HeldByOtherError:
        with traffic.holds.taken_over(cluster, service, run=f"trial {folder.name}") as held:
            original = None if held is None else held.original
            if held is None or original is None or not _is_window(folder, original.run):
                raise
            held.give_back(original.had)
        traffic.say(f"Service {service} has again what it had before the trial was killed")


def _is_window(folder: Path, run: str) -> bool:
    """Whether a run that left a Service changed was one of this trial's windows."""
    ids = {one.run_id for one in map(artifacts.glance, folder.iterdir()) if one is not None}
    return run.removeprefix("run ") in ids


def open_journal(folder: Path) -> Journal:
    """Of a trial that can be gone on with; UsageError where it cannot, saying why."""
    if not (folder / JOURNAL).is_file():
        raise UsageError(f"going on with {folder}: {_no_journal(folder)}")
    found = _written(folder) if has_trial(folder) else None
    if found is not None and not found.is_interrupted:
        raise UsageError(
            f"going on with {folder}: it is finished, verdict {found.decision.value}; to see it: "
            f"samezone report {folder}"
        )
    return books.read(folder)


def _no_journal(folder: Path) -> str:
    if not folder.is_dir():
        return "no such folder; trials are folders under runs/ that end in -experiment"
    if has_trial(folder):
        found = _written(folder)
        return f"it is finished, verdict {found.decision.value}; to see it: samezone report {folder}"
    return f"not a trial, it holds no {JOURNAL}; trials are folders under runs/ that end in -experiment"


def _written(folder: Path) -> Trial:
    """``trial.json``; UsageError where it was damaged."""
    found = rundir.read_json(folder / TRIAL, Trial, schema=trials.SCHEMA)
    if (wrong := bounds.wrong_number(found, signed=True)) is not None:
        raise UsageError(f"reading {folder / TRIAL}: {wrong}; it was damaged or edited")
    return found


def has_trial(folder: Path) -> bool:
    """Whether a folder holds a trial that somebody wrote down."""
    return (folder / TRIAL).is_file()


def is_trial(folder: Path) -> bool:
    """Whether a folder is a trial's, whatever became of it."""
    return has_trial(folder) or (folder / JOURNAL).is_file()


def read_trial(folder: Path) -> Trial:
    """The trial of a folder; one that was interrupted is judged as far as it came, from its windows.

    UsageError where there is none, or a window before the last cannot be read.
    """
    found = _written(folder) if has_trial(folder) else None
    if found is not None and not (found.is_interrupted and (folder / JOURNAL).is_file()):
        return found
    if not (folder / JOURNAL).is_file():
        raise UsageError(f"reading trial {folder}: {_no_journal(folder)}")
    return _judged(folder, books.read(folder), {})


def _judged(folder: Path, kept: Journal, known: dict[str, Attempt]) -> Trial:
    """What is there, without measuring."""
    bench = KeptBench(folder, kept.windows, broken_off=kept.broken_off, assumed=kept.assumed, known=known)
    return _trial(folder, kept, trial_run.run(planned_design(kept), bench), versions=kept.versions)


def planned_design(kept: Journal) -> Design:
    """As asked for; with the blocks that were planned, where they were."""
    asked = kept.design.design
    if kept.order is None or kept.block_s is None:
        return asked
    return replace(asked, order=kept.order, block_s=kept.block_s)


def refuse_other_place(folder: Path, then: Place, now: Place) -> None:
    """UsageError, naming what differs, where a trial's later windows would be of another place."""
    faults = [
        f"{name} ({left} then, {right} now)"
        for name, left, right in (
            ("platform", then.platform, now.platform),
            ("context", then.context, now.context),
            # A lab that was brought up again may have another port.
            ("API server", then.server, then.server if now.platform == "lab" else now.server),
            ("zones", ", ".join(then.zones), ", ".join(now.zones)),
            ("cross-zone delay", str(then.cross_zone_delay_s), str(now.cross_zone_delay_s)),
        )
        if left != right
    ]
    if faults:
        raise UsageError(
            f"going on with {folder}: the place differs in {'; '.join(faults)}; go on where it began, or "
            "make a new experiment"
        )


def _carried_on(session: Session, book: Book) -> Conducted:
    """Measure what is missing, judge, write; what interrupts is raised again once it is written down."""
    traffic, known = session.traffic, dict[str, Attempt]()
    is_first = not book.journal.sittings
    book.sit_down(book.journal.created_s if is_first else traffic.clock())
    try:
        with traffic.holds.together():
            found = _found(session, book, known)
    except BaseException as error:
        if isinstance(error, UsageError) and is_first and _drop_empty(book.folder):
            raise
        book.rise(traffic.clock(), _why(error))
        _leave(session, book, known)
        raise
    book.rise(traffic.clock(), "done")
    trial = _trial(book.folder, book.journal, found, versions=traffic.versions)
    rundir.write_json(book.folder / TRIAL, trial)
    return Conducted(folder=book.folder, trial=trial)


def _found(session: Session, book: Book, known: dict[str, Attempt]) -> Found:
    """The whole experiment; a block that was torn is begun again."""
    job, before = session.traffic.job, len(book.journal.windows)
    job.expect(2 * book.journal.design.design.null_pairs - before)

    def on_plan(planned: Planned, order: Order) -> None:
        book.plan(tuple(order), planned.block_s)
        nulls = sum(one.label in NULL_LABELS for one in book.journal.windows)
        job.expect(nulls + sum(map(len, order)) - before)

    while True:
        bench = RunBench(session, book, known)
        try:
            return trial_run.run(planned_design(book.journal), bench, on_plan=on_plan)
        except TornBlockError as torn:
            session.traffic.say(f"{torn}; measuring it from its first window on")
            begin_again(book, torn.part)


def _why(error: BaseException) -> str:
    if isinstance(error, SamezoneError):
        return str(error)
    return BY_HAND if isinstance(error, KeyboardInterrupt) else type(error).__name__


def _drop_empty(folder: Path) -> bool:
    """Remove the folder of a trial that was refused before its first window; whether it was."""
    if [one.name for one in folder.iterdir()] != [JOURNAL]:
        return False
    (folder / JOURNAL).unlink()
    folder.rmdir()
    return True


def _leave(session: Session, book: Book, known: dict[str, Attempt]) -> None:
    """Write down an interrupted trial, and say how to go on."""
    folder, say = book.folder, session.traffic.say
    try:
        rundir.write_json(folder / TRIAL, _judged(folder, book.journal, known))
    except SamezoneError as error:
        say(f"no {TRIAL} of what was measured: {error}")
    say(f"the windows measured so far are kept; go on with: samezone experiment --resume {folder}")


def _trial(folder: Path, kept: Journal, found: Found, *, versions: tuple[tuple[str, str], ...]) -> Trial:
    """What was found, with the place; *versions* judge."""
    seconds = kept.windows[-1].seconds if kept.windows else kept.design.null_s
    plan, place = replace(kept.load.plan, duration_s=seconds), kept.place
    caveats = {caveat.code: caveat for one in found.contests for caveat in one.effects.caveats}
    requests = (*found.requests, *(one.requests for one in kept.given_up))
    advice, stopped = found.advice, found.stopped
    is_live = kept.load.traffic is Traffic.LIVE
    if found.is_cut:
        stopped = f"{found.stopped} ({kept.why})"
        advice = advice or f"Go on with it: samezone experiment --resume {folder}"
    return Trial(
        created_s=kept.created_s,
        platform=place.platform,
        context=place.context,
        region=place.region,
        zones=place.zones,
        service=str(kept.load.service),
        client=str(kept.load.client),
        plan=plan,
        arms=kept.design.arms,
        order=found.order,
        planned=found.planned,
        null=found.null,
        windows=found.windows,
        contests=found.contests,
        further=found.further,
        standing=found.standing,
        decision=found.decision,
        reasons=found.reasons,
        advice=advice,
        stopped=stopped,
        measuring=concluding.measuring(
            requests, warm_up_requests=0 if is_live else plan.rate_per_s * plan.warmup_s, seconds=kept.seconds
        ),
        versions=versions,
        caveats=(*caveats.values(), *journal.caveats(kept), *_version_caveats(kept, versions)),
        is_interrupted=found.is_cut,
        traffic=kept.load.traffic,
        breach=None if found.broken_off is None else found.broken_off.breach,
    )


def _version_caveats(kept: Journal, versions: tuple[tuple[str, str], ...]) -> tuple[Caveat, ...]:
    if versions == kept.versions:
        return ()
    before, after = (", ".join(" ".join(one) for one in some) for some in (kept.versions, versions))
    text = f"The trial was begun by {before} and ended by {after}."
    return (Caveat(code="versions-differ", text=text),)
