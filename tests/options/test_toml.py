"""Options in TOML: what is written is read, and a text that is none, or a trap, is one line."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_run import SMALL

from minigan.errors import ConfigError
from minigan.files.run_folder import RunFolder
from minigan.options.config import Config, from_toml, preset, to_toml
from minigan.options.recipe import Recipe
from minigan.train import main, options

NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    NAME,
    NAME,
    st.lists(NAME, min_size=1).map(tuple),
    st.floats(1e-300, 1e300),
    st.integers(0, 2**64 - 1),
    st.none() | st.floats(1e-3, 1e3),
)
def test_what_is_written_is_read(data, generator_from, generator, lr, seed, contrast):
    config = replace(
        Config(), data=data, generator_from=generator_from, generator=generator, lr=lr, seed=seed, contrast=contrast
    )
    assert from_toml(to_toml(config), "config.toml") == config


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.text() | st.text("[]{}=.,\"'\n #0x9a", max_size=60).map(lambda text: f"lr = {text}"))
def test_any_text_is_options_or_one_line(text):
    try:
        assert isinstance(from_toml(text, "own.toml"), Config)
    except ConfigError as error:
        assert str(error).startswith("own.toml: ") and "\n" not in str(error)


TRAPS = {
    "nested lists": b"lr = " + b"[" * 60_000,
    "nested tables": b"lr = " + b"{a=" * 20_000,
    "a key of many parts": b"a" + b".a" * 30_000 + b" = 1",
    "a table of many parts": b"[a" + b".a" * 30_000 + b"]",
    "a number of many digits": b"seed = " + b"9" * 6000,
    "a hexadecimal number of many digits": b"seed = 0x" + b"f" * 6000,
    "a whole number that no float can be": b"lr = 1" + b"0" * 400,
    "a long text for a number": b'lr = "' + b"x" * 60_000 + b'"',
    "a long name": b"x" * 60_000 + b" = 1",
    "8 MiB": b"#" * (8 << 20),
    "lines that end as on old Macintoshes": b"lr = 0.5\rk = 2\r",
    "no UTF-8 in a text": b'data = "\xff"',
    "UTF-16": "lr = 0.5".encode("utf-16"),
    "a web page": b"<!DOCTYPE html><html>404</html>",
    "a zero byte": b'data = "\0"',
    "a surrogate": b'data = "\\ud800"',
    "a number out of range": b"lr = -1",
    "not a number": b"lr = nan",
    "a list of numbers": b"generator = [1, 2]",
    "a date": b"seed = 1979-05-27",
    "true": b"k = true",
    "twice": b"k = 1\nk = 2",
}


@pytest.mark.parametrize("content", TRAPS.values(), ids=TRAPS.keys())
def test_a_preset_that_is_none(tmp_path, said, content):
    path = tmp_path / "own.toml"
    path.write_bytes(content)
    code, _, error = said(main, "--preset", path, "--print-config")
    assert code == 2 and error.count("\n") == 1
    assert str(path) in error and len(error) < 1000


def test_a_preset_takes_little_memory(tmp_path, said):
    import tracemalloc

    path = tmp_path / "own.toml"
    for name in ("a key of many parts", "a table of many parts", "nested lists", "8 MiB"):
        path.write_bytes(TRAPS[name])
        tracemalloc.start()
        with pytest.raises(ConfigError):
            preset(str(path))
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
        tracemalloc.stop()


@pytest.mark.parametrize("named", ["mnits", "Mnist", "", "mnist ", "base.toml", "./mnist.toml"])
def test_a_preset_that_begins_from_none(tmp_path, said, named):
    path = tmp_path / "own.toml"
    path.write_text(f'preset = "{named}"\nlr = 0.5\n')
    code, out, error = said(main, "--preset", path, "--print-config")
    assert code == 2 and error.count("\n") == 1 and out == ""
    assert str(path) in error and f"preset = '{named}': expected one of cifar10, " in error
    assert ("did you mean mnist?" in error) == (named.lower()[:1] == "m")


def test_the_record_of_a_run_begins_from_nothing(tmp_path):
    """config.toml names the preset that its run began from, which may be gone, and holds everything."""
    record = replace(preset("mnist"), preset="gone.toml", lr=0.3)
    path = tmp_path / "config.toml"
    path.write_text(to_toml(record))
    assert preset(str(path)) == replace(record, preset=str(path))


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte-order mark"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_a_preset_as_editors_on_windows_write_it(tmp_path, mark, end):
    path = tmp_path / "own.toml"
    lines = [b'preset = "mnist"', b"lr = 0.25  # \xc3\xa9", b"generator = [", b' "linear"]', b""]
    path.write_bytes(mark + end.join(lines))
    expected = replace(preset("mnist"), lr=0.25, generator=("linear",), preset=str(path))
    assert preset(str(path)) == expected
    path.rename(tmp_path / "config.toml")
    saved = RunFolder(tmp_path).saved_config()
    assert (saved.lr, saved.generator, saved.preset) == (0.25, ("linear",), "mnist")


@pytest.mark.parametrize("name, meant", [("bacth_size", "batch_size"), ("batch-size", "batch_size"), ("Lr", "lr")])
def test_a_key_with_a_slip_has_a_nearest_one(name, meant):
    with pytest.raises(ConfigError, match=f"own.toml: unknown option '{name}'; expected .*; did you mean {meant}\\?"):
        from_toml(f"{name} = 1", "own.toml")
    with pytest.raises(ConfigError, match="optimizer = 'sdg': expected one of .*; did you mean sgd"):
        from_toml("optimizer = 'sdg'", "own.toml")


def test_letters_beyond_ascii(tmp_path):
    path = tmp_path / "Ω😀.toml"
    path.write_text('data = "~/Ω😀"\n', encoding="utf-8")
    config = preset(str(path))
    assert config.data == "~/Ω😀" and from_toml(to_toml(config), "x") == config


@pytest.mark.parametrize("option", ["--data", "--generator-from"])
def test_a_name_that_is_no_utf8_cannot_be_kept(option):
    with pytest.raises(ConfigError, match=f"{option} .*expected a name in UTF-8"):
        options([option, os.fsdecode(b"/data/\xff")])


def test_a_preset_that_cannot_be_read(tmp_path, monkeypatch):
    path = tmp_path / "own.toml"
    path.write_text("k = 2")

    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ConfigError, match="own.toml: Permission denied"):
        preset(str(path))


def test_a_value_out_of_range_is_the_presets_fault_or_the_flags(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text("k = 0")
    with pytest.raises(ConfigError, match=f"^preset {path}: --k 0: expected"):
        options(["--preset", str(path)])
    with pytest.raises(ConfigError, match="^--lr -1.0: expected"):
        options(["--lr", "-1"])
    assert options(["--preset", str(path), "--k", "2"]).k == 2


def test_options_are_looked_at_once(tmp_path, monkeypatch, said):
    looked_at = []
    for kind in (Recipe, Config):
        monkeypatch.setattr(kind, "_check", lambda self, kind=kind, of=kind._check: (looked_at.append(kind), of(self)))
    code, _, error = said(main, *SMALL, "--iterations", "2", "--out", tmp_path / "run")
    assert code == 0, error
    assert looked_at == [Config, Recipe]
