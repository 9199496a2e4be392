"""A mixed-integer linear programme as plain arrays, and the draft that it is written on, block by block.

minimise cost @ x   where   lower <= x <= upper,   row_lower <= A @ x <= row_upper
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from voltide.planning.problem import Array

Index = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Programme:
    """Ready for the solver; the matrix is kept by rows."""

    cost: Array
    lower: Array
    upper: Array
    row_lower: Array
    row_upper: Array
    start: Index
    column: Index
    factor: Array
    still: tuple[Index, Index]
    """The equations, and for each the column that carries it while everything stands still: a basis to begin from."""
    whole: Index
    """(columns,) 1: only whole numbers are answers."""
    offset: float = 0.0
    """A constant part of the cost."""

    def shaped_like(self, other: "Programme") -> bool:
        """Whether only costs and bounds differ, so that a solver that holds the other need not begin anew."""
        return (
            np.array_equal(self.whole, other.whole)
            and np.array_equal(self.start, other.start)
            and np.array_equal(self.column, other.column)
            and np.array_equal(self.factor, other.factor)
        )


class Draft:
    """Columns and rows are added in blocks; each call answers with the numbers that the block got."""

    def __init__(self) -> None:
        self.offset = 0.0
        self._still: list[tuple[Index, Index]] = []
        self._columns = 0
        self._rows = 0
        self._bounds: list[tuple[Array, Array, Array]] = []
        self._row_bounds: list[tuple[Array, Array]] = []
        self._entries: list[tuple[Index, Index, Array]] = []

    def columns(self, count: int, cost: ArrayLike = 0.0, lower: ArrayLike = 0.0, upper: ArrayLike = np.inf) -> Index:
        """Add unknowns."""
        self._bounds.append((_wide(cost, count), _wide(lower, count), _wide(upper, count)))
        self._columns += count
        return np.arange(self._columns - count, self._columns, dtype=np.int32)

    def rows(self, count: int, lower: ArrayLike = -np.inf, upper: ArrayLike = np.inf) -> Index:
        """Add constraints, empty as yet."""
        self._row_bounds.append((_wide(lower, count), _wide(upper, count)))
        self._rows += count
        return np.arange(self._rows - count, self._rows, dtype=np.int32)

    def put(self, row: Index, column: Index, factor: ArrayLike) -> None:
        """Write factors into the matrix; no place may be written twice."""
        self._entries.append((row, column, _wide(factor, len(row))))

    def carry(self, rows: Index, columns: Index) -> None:
        """Each of these equations has a column that is not at a bound while everything stands still, in a triangle."""
        self._still.append((rows, columns))

    def programme(self) -> Programme:
        """What has been written."""
        nothing = np.zeros(0, dtype=np.int32)
        rows = np.concatenate([row for row, _, _ in self._entries] or [nothing])
        narrow = rows.astype(np.uint16) if self._rows < 65_536 else rows  # short numbers are sorted by radix
        order = np.argsort(narrow, kind="stable")
        start = np.zeros(self._rows + 1, dtype=np.int32)
        np.cumsum(np.bincount(rows, minlength=self._rows), out=start[1:])
        return Programme(
            cost=np.concatenate([cost for cost, _, _ in self._bounds]),
            lower=np.concatenate([lower for _, lower, _ in self._bounds]),
            upper=np.concatenate([upper for _, _, upper in self._bounds]),
            row_lower=np.concatenate([lower for lower, _ in self._row_bounds]),
            row_upper=np.concatenate([upper for _, upper in self._row_bounds]),
            start=start,
            column=np.concatenate([column for _, column, _ in self._entries] or [nothing])[order],
            factor=np.concatenate([factor for _, _, factor in self._entries] or [np.zeros(0)])[order],
            still=(
                np.concatenate([rows for rows, _ in self._still] or [nothing]),
                np.concatenate([columns for _, columns in self._still] or [nothing]),
            ),
            whole=np.zeros(self._columns, dtype=np.int32),
            offset=self.offset,
        )


def _wide(value: ArrayLike, count: int) -> Array:
    given = np.asarray(value, dtype=np.float64)
    return given if given.shape == (count,) else np.broadcast_to(given, (count,))
