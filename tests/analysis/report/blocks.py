"""What reports are made of, with words that no report uses: the goldens of the formats' blocks show these."""

from analysis.report.first_screen import Fact, Figure
from analysis.report.judgement import Banner
from analysis.report.notes import Footnote
from analysis.report.tables import Cell, Column, Table, Tone, columns, row
from analysis.verdict.judged import Decision

HOSTILE = '<b>|`x` & "q" [l](http://evil.example) @team #1 $1 \x1b[31m\u202e\nnext'
BANNER = Banner(
    decision=Decision.INCONCLUSIVE,
    word="Perhaps",
    sign="?",
    meaning="What that means.",
    reasons=("One reason.", HOSTILE),
)
FIGURES = (
    Figure(title="A figure", value="12.5\u00a0%", detail="its detail", tone=Tone.STRONG, notes=(1, 2)),
    Figure(title=HOSTILE, value="No clear change", detail=HOSTILE),
)
FACTS = (Fact(label="A fact", text="its text."), Fact(label=HOSTILE, text=HOSTILE))
TABLES = (
    Table(
        key="tones",
        title="A table",
        about="What it holds.",
        columns=(Column(title="Tone"), Column(title="Number", numeric=True, notes=(1,))),
        rows=tuple((Cell(text=tone.value, tone=tone), Cell(text="1.0 [0.5,\u00a01.5]")) for tone in Tone),
        stacked=True,
    ),
    Table(
        key="hostile",
        title=HOSTILE,
        columns=columns(HOSTILE, numbers=("Count",)),
        rows=(row(HOSTILE, "1"), (Cell(text="noted", notes=(2,)), Cell(text=""))),
    ),
    Table(key="empty", title="An empty table", columns=columns("Nothing"), rows=(), empty="There is none."),
)
FOOTNOTES = (
    Footnote(number=1, code="a-code", text="A caveat.", about="both"),
    Footnote(number=2, code=HOSTILE, text=HOSTILE, about=HOSTILE),
)
