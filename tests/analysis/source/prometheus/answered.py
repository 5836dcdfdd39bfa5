"""Stored answers as Prometheus would have given them, made by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.source.interface import Raw
from analysis.source.prometheus.profiles import ZTUNNEL, Profile
from analysis.source.prometheus.promql import Span
from analysis.source.prometheus.stored_answers import (
    About,
    Family,
    Piece,
    PromQuery,
    about_page,
    query_pages,
)
from loadtest.record import Window

START_S, END_S = 1_000.0, 1_060.0
Pages = tuple[Raw, ...]


def about(profile: Profile = ZTUNNEL, *, quiet_s: float = 5.0) -> Pages:
    return about_page(
        About(
            profile=profile,
            window=Window(start_s=START_S, end_s=END_S),
            quiet_s=quiet_s,
            span=Span(start_s=START_S + quiet_s, end_s=END_S),
        )
    )


def pages(piece: Piece, data: Mapping[str, Any], family: Family = Family.CALLS, **more: Any) -> Pages:
    metric = more.pop("metric", "m_total")
    asked = PromQuery(family=family, part=piece, metric=metric, query=f"query of {piece}", at_s=END_S)
    return query_pages(asked, {"status": "success", "data": data, **more})


def vector(
    *rows: tuple[Mapping[str, str], float],
    piece: Piece = Piece.TABLE,
    family: Family = Family.CALLS,
    **more: Any,
) -> Pages:
    result = [{"metric": labels, "value": [END_S, str(value)]} for labels, value in rows]
    return pages(piece, {"resultType": "vector", "result": result}, family, **more)


def figure(piece: Piece, value: float) -> Pages:
    return vector(({}, value), piece=piece)


def matrix(*rows: tuple[Mapping[str, str], Sequence[tuple[float, float]]]) -> Pages:
    result = [
        {"metric": labels, "values": [[at_s, str(value)] for at_s, value in scrapes]}
        for labels, scrapes in rows
    ]
    return pages(Piece.RAW, {"resultType": "matrix", "result": result})


def sides(
    client: str = "ui", server: str = "catalog", client_zone: str = "a", server_zone: str = "b"
) -> dict[str, str]:
    return {
        "source_workload": client,
        "source_zone": client_zone,
        "destination_workload": server,
        "destination_zone": server_zone,
    }
