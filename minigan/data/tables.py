"""A table of numbers as text, .csv: an example a line, with or without a line of names above them."""

from __future__ import annotations

import csv
import warnings
from array import array
from pathlib import Path

import numpy as np

from minigan.data.dataset import Dataset
from minigan.data.reading import naming
from minigan.errors import DataError, DataWarning, shortened

DELIMITERS = ",;\t"


def load_table(path: str | Path) -> Dataset:
    """(N, F) float64: columns parted by commas, semicolons or tabs.

    A first line none of whose fields is a number has the names.  Raises DataError, naming line and column, for a field
    that is no number and for lines of different lengths.  Warns, DataWarning, of a first column without a name that
    counts the lines, an index as pandas writes it, and goes on without it.
    """
    names, width, values = None, 0, array("d")
    with naming(path), open(path, encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        file.seek(0)
        reader = csv.reader(file, delimiter=max(DELIMITERS, key=first.count))
        for fields in filter(any, reader):
            if not width:
                width = len(fields)
                if not any(map(is_number, fields)):
                    names = fields
                    continue
            if len(fields) != width:
                line = f"{path}: line {reader.line_num}"
                raise DataError(f"{line}: {len(fields)} columns, expected {width} as in the first line")
            try:
                values.extend(map(float, fields))
            except ValueError:
                column, field = next((i, field) for i, field in enumerate(fields, 1) if not is_number(field))
                where = f"{path}: line {reader.line_num}, column {column}"
                raise DataError(f"{where}: {shortened(field)!r}, expected a number") from None
        if not values:
            raise DataError(f"{path}: no numbers, expected one example a line")
    rows = np.frombuffer(values).reshape(-1, width)
    if names and not names[0].strip() and width > 1 and np.array_equal(rows[:, 0], np.arange(len(rows))):
        warnings.warn(f"{path}: its first column has no name and counts the lines: passed over", DataWarning, 2)
        rows = rows[:, 1:].copy()
    return Dataset(Path(path).name, rows)


READS = {".csv": load_table}


def is_number(text: str) -> bool:
    """Whether Python reads it as a float."""
    try:
        float(text)
    except ValueError:
        return False
    return True
