"""Flows between pods as columns: a ``PodFlow`` is made only of one that somebody looks at."""

import math
from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np

from analysis.model import PodFlow
from analysis.statistics.arrays import Codes, Flags, Numbers


class PodFlows(Sequence[PodFlow]):
    """Columns of equal length, one value a flow; a dataclass would be written to artifacts by its columns."""

    __slots__ = (
        "calls",
        "client",
        "client_zone",
        "faults",
        "mean_s",
        "names",
        "server",
        "server_zone",
        "zones",
    )

    def __init__(
        self,
        *,
        names: Sequence[str],
        zones: Sequence[str | None],
        client: tuple[Codes, Codes],
        server: tuple[Codes, Codes],
        calls: Codes,
        faults: Codes,
        mean_s: Numbers,
    ) -> None:
        """*names* are sorted; *client* and *server*: of each flow the places in *names* and in *zones*.

        *mean_s*, the mean response time, is not a number where it is not known. Nobody writes to the arrays.
        """
        self.names, self.zones = names, zones
        self.client, self.client_zone = client
        self.server, self.server_zone = server
        self.calls, self.faults, self.mean_s = calls, faults, mean_s

    @classmethod
    def of(cls, flows: Sequence[PodFlow]) -> "PodFlows":
        """The same flows in the same order."""
        if isinstance(flows, PodFlows):
            return flows
        names = sorted({name for one in flows for name in (one.client, one.server)})
        zones = list(dict.fromkeys(zone for one in flows for zone in (one.client_zone, one.server_zone)))
        at = {name: code for code, name in enumerate(names)}
        return cls(
            names=names,
            zones=zones,
            client=(
                np.array([at[one.client] for one in flows], np.int64),
                np.array([zones.index(one.client_zone) for one in flows], np.int64),
            ),
            server=(
                np.array([at[one.server] for one in flows], np.int64),
                np.array([zones.index(one.server_zone) for one in flows], np.int64),
            ),
            calls=np.array([one.calls for one in flows], np.int64),
            faults=np.array([one.faults for one in flows], np.int64),
            mean_s=np.array([np.nan if one.mean_s is None else one.mean_s for one in flows], np.float64),
        )

    def __len__(self) -> int:
        return len(self.client)

    @overload
    def __getitem__(self, at: int) -> PodFlow: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[PodFlow, ...]: ...

    def __getitem__(self, at: int | slice) -> PodFlow | tuple[PodFlow, ...]:
        if isinstance(at, slice):
            return tuple(self._flows(at))
        row = range(len(self))[at]
        (found,) = self._flows(slice(row, row + 1))
        return found

    def __iter__(self) -> Iterator[PodFlow]:
        return self._flows(slice(None))

    def _flows(self, rows: slice) -> Iterator[PodFlow]:
        """Those of these rows; as plain numbers, which are several times as quick one by one."""
        ends = ((self.client, self.client_zone), (self.server, self.server_zone))
        columns = (*(column for end in ends for column in end), self.calls, self.faults, self.mean_s)
        for client, client_zone, server, server_zone, calls, faults, mean_s in zip(
            *(one[rows].tolist() for one in columns), strict=True
        ):
            yield PodFlow(
                client=self.names[client],
                client_zone=self.zones[client_zone],
                server=self.names[server],
                server_zone=self.zones[server_zone],
                calls=calls,
                faults=faults,
                mean_s=None if math.isnan(mean_s) else mean_s,
            )

    def __eq__(self, other: object) -> bool:
        """Equal to any sequence of the same flows."""
        if not isinstance(other, Sequence) or len(self) != len(other):
            return False
        return all(one == two for one, two in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    @property
    def is_same(self) -> Flags:
        """Of each flow: whether it stays in its zone."""
        found: Flags = self.client_zone == self.server_zone
        return found

    @property
    def is_known(self) -> Flags:
        """Of each flow: whether both zones are."""
        known = np.array([zone is not None for zone in self.zones], np.bool_)
        found: Flags = known[self.client_zone] & known[self.server_zone]
        return found
