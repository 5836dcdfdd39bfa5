"""A row of the table: one fault in one phase of one verb, what must hold after it, and what was seen."""

from dataclasses import dataclass, field

SAME = "as before"
RESTORED = "as before, after routing restore"
KEPT = "the mode that was asked for"
THEIRS = "as somebody else left it"
GONE = "it is gone"
ANY_FOLDER, FOLDER, NO_FOLDER = "whole or none", "usable", "none"


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is done, and what must hold."""

    verb: str
    fault: str
    phase: str
    exits: tuple[int, ...]
    """Codes of design.md that are right here."""
    service: str = SAME
    """What the Service must have afterwards."""
    folder: str = ANY_FOLDER
    """What must be there of the run."""
    says: tuple[str, ...] = ()
    """Words of the last line, one of which must be there."""

    @property
    def name(self) -> str:
        return f"{self.verb} / {self.fault} / {self.phase}"


@dataclass(kw_only=True)
class Seen:
    """What was seen."""

    row: Row
    live: str = ""
    """Which processes took part."""
    code: int | None = None
    service: str = ""
    folder: str = ""
    line: str = ""
    leftovers: str = "none"
    seconds: float = 0.0

    def cells(self) -> dict[str, str]:
        row = self.row
        return {
            "verb": row.verb,
            "fault": row.fault,
            "phase": row.phase,
            "live": self.live,
            "exit": "" if self.code is None else str(self.code),
            "Service": self.service,
            "run folder": self.folder,
            "leftovers": self.leftovers,
            "seconds": f"{self.seconds:.1f}",
            "its last line": self.line,
        }


@dataclass(kw_only=True)
class Table:
    """All rows."""

    rows: list[dict[str, str]] = field(default_factory=list)

    def text(self) -> str:
        """Columns of equal width; the last one as long as it is."""
        if not self.rows:
            return ""
        names = list(self.rows[0])
        widths = [max(len(name), *(len(row[name]) for row in self.rows)) for name in names]
        lines = [names, *([row[name] for name in names] for row in self.rows)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )
