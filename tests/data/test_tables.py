"""Tables of numbers as text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minigan.data import load
from minigan.errors import DataWarning

TABLE = [[1.5, -2.0, 1e3], [0.1, 7.0, -1e-3]]


def write(folder: Path, text: str, encoding="utf-8") -> str:
    (folder / "own.csv").write_bytes(text.encode(encoding))
    return str(folder / "own.csv")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("head", ["", "length,width,mass", '"a ""b""",c,d', ",b,c"])
def test_numbers_with_and_without_names(tmp_path, delimiter, end, head):
    lines = [head] * bool(head) + [",".join(map(repr, row)) for row in TABLE]
    data = load(write(tmp_path, end.join(lines).replace(",", delimiter) + end))
    assert data.name == "own.csv" and data.image_shape is None and data.train.dtype == np.float64
    np.testing.assert_array_equal(data.train, TABLE)


def test_a_byte_order_mark_blanks_and_empty_lines(tmp_path):
    data = load(write(tmp_path, "a,b\n1, 2\n\n3,4", "utf-8-sig"))
    np.testing.assert_array_equal(data.train, [[1, 2], [3, 4]])
    assert load(write(tmp_path, "1\n2\n")).train.shape == (2, 1)


def test_an_index_of_pandas_is_passed_over_and_that_is_said(tmp_path):
    with pytest.warns(DataWarning, match="own.csv: its first column has no name and counts the lines"):
        data = load(write(tmp_path, ",a,b\n0,1.5,2\n1,3,4\n"))
    np.testing.assert_array_equal(data.train, [[1.5, 2], [3, 4]])


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "no numbers"),
        ("a,b\n", "no numbers"),
        ("1,2\n3,x\n", "line 2, column 2: 'x', expected a number"),
        ("a,b\n1,2\n3,\n", "line 3, column 2: ''"),
        ("1,2\n3\n", "line 2: 1 columns, expected 2"),
        ("5.1,3.5,setosa\n", "line 1, column 3: 'setosa'"),
        ("1,2\n3,nan\n", "NaN or infinity in row 1"),
        ("1,2\n3,1e999\n", "NaN or infinity in row 1"),
        ('1,2\n"3,4\n' + 200_000 * "9", "cannot be read"),
        ("<!DOCTYPE html><html>1,2</html>", "a web page"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, refused, text, message):
    refused(lambda: load(write(tmp_path, text)), "own.csv", message)


def test_bytes_that_are_no_text_are_refused(tmp_path, refused):
    (tmp_path / "own.csv").write_bytes(b"1,2\n\xff\xfe\n")
    refused(lambda: load(str(tmp_path / "own.csv")), "own.csv")


def test_reading_takes_little_more_than_the_numbers(tmp_path, peak):
    path = write(tmp_path, "\n".join(["0.125,1.5,2.25,3"] * 100_000))
    assert peak(lambda: load(path)) < 3 * 100_000 * 4 * 8
