"""The options of a training run: the one place where each is written.

Flags, presets (`minigan/presets/*.toml`), a run's `config.toml` and the checkpoint's header all come from `Config`.
"""

from __future__ import annotations

import json
import reprlib
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

from minigan.errors import ConfigError, did_you_mean, is_web_page
from minigan.options.phases import Phase
from minigan.options.recipe import LossName, Recipe, allowed, demand, demand_types, fits


@dataclass(frozen=True)
class Config(Recipe):
    """Train the GAN of Goodfellow et al. (2014)."""

    loss: LossName = Recipe.loss  # type: ignore[assignment]  # a name
    preset: str = "digits"
    """options to begin from: digits, mnist, mnist-averaged, mnist-conditional, cifar10, cifar10-quarter, tfd,
    tfd-stage2, ring, grid, gaussian; or a .toml file, which begins from the preset that it names (preset = "mnist"), or
    else from digits"""
    data: str = "digits"
    """digits, mnist, cifar10, tfd, gaussian, ring, grid; or a folder of MNIST or CIFAR-10 files, of images or of
    subfolders of images; or a file of arrays, a table, or TFD_48x48.npz"""
    contrast: float | None = None
    """global contrast normalisation: every image less its mean, scaled to this length (the authors' 55 for CIFAR-10)"""
    standardise: bool = False
    """each feature less its mean, divided by its deviation; samples come back in the data's own units"""
    size: str | None = None
    """HEIGHTxWIDTH: pictures of a folder are resized to it"""
    background: str = "white"
    """the colour behind the transparent pictures of a folder"""
    skip_unreadable: bool = False
    """go on without the pictures of a folder that cannot be read"""
    generator: tuple[str, ...] = ("relu 1200 uniform=.05", "relu 1200 uniform=.05", "sigmoid")
    """G's layers, one text each: activation, width, uniform= normal= sparse= bias= slope= keep="""
    discriminator: tuple[str, ...] = ("maxout 240x5 uniform=.005 keep=.8", "linear uniform=.005 keep=.5")
    """D's layers, likewise; the last one makes the logit"""
    generator_from: str | None = None
    """a run whose generator begins as the last layers of this one: the second stage of the authors' TFD recipe"""
    backend: Literal["auto", "numpy", "numba", "cupy"] = "auto"
    """what computes: numpy to read, numba fast, cupy on an NVIDIA GPU; auto chooses"""
    threads: int | None = None
    """CPU threads; without it all cores that are free to use"""
    device: int = 0
    """which GPU, where there are several"""
    epochs: int = 50
    """passes over the data, in total, also when resuming"""
    iterations: int | None = None
    """iterations in total, instead of --epochs"""
    log_every: int = 100
    """iterations between lines of metrics.jsonl"""
    sample_every: int = 1000
    """iterations between pictures"""
    checkpoint_every: int = 1000
    """iterations between checkpoints"""
    keep_last: int | None = None
    """keep so many of the newest checkpoints; without it all"""
    validate_every: int | None = None
    """iterations between measurements on validation data; the best generator is kept as checkpoints/best.safetensors"""
    distributed: Literal["mpi", "mpi-ordered"] | None = None
    """train together with all processes that mpiexec has started; ordered: so many make the same bits with any MPI"""
    phases: tuple[str, ...] | None = None
    """from which iterations on the recipe was changed, as config.toml keeps it: `--resume --k 3` begins one"""
    out: str | None = None
    """the run's folder; without it the next free runs/PRESET-N"""
    resume: bool = False
    """go on from the newest checkpoint in --out, with another recipe if one is given; `--resume auto` begins where no
    run is"""
    tensorboard: bool = False
    """write --out/tensorboard too, for TensorBoard (the extra `tensorboard`)"""
    dry_run: bool = False
    """check everything, say sizes, memory and the time of an iteration, write nothing and stop"""
    print_config: bool = False
    """print the options as TOML and stop"""

    @cached_property
    def recipe(self) -> Recipe:
        """The part that decides the numbers."""
        return Recipe(**{f.name: getattr(self, f.name) for f in fields(Recipe)})

    def _check(self) -> None:
        _ = self.recipe.checked
        hints, of_recipe = get_type_hints(Config), get_type_hints(Recipe)
        demand_types(self, {name: hint for name, hint in hints.items() if hint != of_recipe.get(name)})
        demand(
            self,
            {
                "data": (self.data != "", "a name or a path"),
                "contrast": (self.contrast is None or 0 < self.contrast < float("inf"), "above 0"),
                "generator_from": (self.generator_from != "", "a run's folder or a checkpoint file"),
                "device": (self.device >= 0, "0 or more"),
                "out": (self.out != "", "a folder"),
                "iterations": (self.iterations is None or 1 <= self.iterations < 2**32, "1 to 2^32 - 1"),
                **{name: (getattr(self, name) is None or getattr(self, name) >= 1, "at least 1") for name in FROM_1},
            },
        )
        for name in ("preset", "data", "generator_from"):
            # Text on a command line that is not UTF-8 becomes surrogates, which config.toml cannot hold.
            if any("\ud800" <= letter <= "\udfff" for letter in getattr(self, name) or ""):
                raise ConfigError(f"--{name.replace('_', '-')} {getattr(self, name)!a}: expected a name in UTF-8")
        for text in self.phases or ():
            Phase.read(text)
        if self.resume and self.out is None:
            raise ConfigError("--resume: expected --out DIR, the run to go on with")


FROM_1 = ("epochs", "log_every", "sample_every", "checkpoint_every", "keep_last", "validate_every")
"""Options that count something."""

THIS_CALL = ("distributed", "out", "resume", "tensorboard", "dry_run", "print_config")
"""Options that belong to one call of the command and not to the run."""

LONGEST_TOML, MOST_DOTS = 1 << 16, 1000
"""A text of options has some 40 lines; `tomllib` takes time and memory by the square of the dots in a key."""
LARGEST_WHOLE_FLOAT, LARGEST_WHOLE = 2**53, 2**64 - 1


def recipe_from(values: dict[str, Any]) -> Recipe:
    """The recipe of a checkpoint's header.  Raises ConfigError for other names, other types, what is out of range."""
    hints = get_type_hints(Recipe)
    if odd := values.keys() - hints.keys():
        raise ConfigError(f"unknown option {min(odd)!r}{did_you_mean(min(odd), hints)}")
    return Recipe(**{name: _convert(value, hints[name], name) for name, value in values.items()}).checked


def to_toml(config: Config) -> str:
    """Everything resolved, one `name = value` a line; what is None is left out."""
    pairs = {name: value for name, value in asdict(config).items() if value is not None and name not in THIS_CALL}
    # TOML knows no surrogates, so what is beyond ASCII stays as it is; DEL alone JSON leaves bare and TOML does not.
    lines = (f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in pairs.items())
    return "".join(lines).replace("\x7f", "\\u007f")


def from_toml(text: str, source: str, base: Config = Config()) -> Config:
    """`base` with the options of a TOML text.  Raises ConfigError, naming `source` and the option."""
    return replace(base, **_options_in(text, source))


def _options_in(text: str, source: str) -> dict[str, Any]:
    """{field of Config: value} as a TOML text has them.  Raises ConfigError, naming `source` and the option."""
    if len(text) > LONGEST_TOML or text.count(".") > MOST_DOTS:
        raise ConfigError(f"{source}: too long or too deep for a list of options, expected one `name = value` a line")
    try:
        values = tomllib.loads(text)
    # Besides its own error it raises ValueError for a number of thousands of digits, and for values that nest too deep:
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{source}: no TOML ({error})") from None
    names, hints = [f.name for f in fields(Config) if f.name not in THIS_CALL], get_type_hints(Config)
    for name, value in values.items():
        if name not in names:
            known = f"expected one of {', '.join(names)}{did_you_mean(name, names)}"
            raise ConfigError(f"{source}: unknown option {_shown(name)}; {known}")
        values[name] = _convert(value, hints[name], f"{source}: {name}")
    return values


def _convert(value: Any, hint: Any, where: str) -> Any:
    """A value of TOML or JSON as a field of type `hint`: lists become tuples, whole numbers serve as floats."""
    given = tuple(value) if isinstance(value, list) else value
    if not fits(given, hint):
        raise ConfigError(f"{where} = {_shown(value)}: expected {allowed(hint, value)}")
    if type(given) is not int:
        return given
    as_float = float in (hint, *get_args(hint))
    if abs(given) > (LARGEST_WHOLE_FLOAT if as_float else LARGEST_WHOLE):
        raise ConfigError(f"{where} = {_shown(value)}: expected {allowed(hint, value)} nearer 0")
    return float(given) if as_float else given


def _shown(value: object) -> str:
    """A value as an error line shows it, however long it is."""
    try:
        text = reprlib.repr(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= 100 else f"{text[:100]}..."


PRESETS = resources.files("minigan") / "presets"


def shipped_presets() -> list[str]:
    """The names of the presets that minigan has."""
    return sorted(entry.name.removesuffix(".toml") for entry in PRESETS.iterdir() if entry.name.endswith(".toml"))


def preset(name: str) -> Config:
    """The options of a preset by name, or of a .toml file by path; their ranges are not looked at yet.

    Raises ConfigError if there is none.
    """
    names = shipped_presets()
    if name in names:
        config = from_toml((PRESETS / f"{name}.toml").read_text(encoding="utf-8"), f"preset {name}", Config())
    elif name.endswith(".toml") and Path(name).is_file():
        values = _options_in(_own_toml(name), f"preset {name}")
        named = values.pop("preset", Config.preset)
        if named not in names and not _complete(values):
            nearest = did_you_mean(named, names)
            raise ConfigError(f"preset {name}: preset = {_shown(named)}: expected one of {', '.join(names)}{nearest}")
        config = replace(preset(named) if named in names else Config(), **values)
    else:
        missing = "no such file, " if name.endswith(".toml") else ""
        known = f"one of {', '.join(names)}, or a .toml file{did_you_mean(name, names)}"
        raise ConfigError(f"--preset {name}: {missing}expected {known}")
    return replace(config, preset=name)


def _complete(values: dict[str, Any]) -> bool:
    """Whether these are all options of a run, as in its config.toml: no preset adds to them."""
    left_out = {f.name for f in fields(Config) if f.default is None} | {"preset", *THIS_CALL}
    return values.keys() >= {f.name for f in fields(Config)} - left_out


def _own_toml(name: str) -> str:
    """The text of the user's own preset.  Raises ConfigError where it cannot be read or is no such text."""
    if is_web_page(name):
        raise ConfigError(f"--preset {name}: a web page (HTML), expected a .toml file")
    try:
        with open(name, "rb") as file:
            content = file.read(LONGEST_TOML + 1)
        return content.decode("utf-8-sig")  # some editors on Windows begin a text with a byte-order mark
    except OSError as error:
        raise ConfigError(f"--preset {name}: {error.strerror}, expected a .toml file that can be read") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"--preset {name}: no UTF-8 at byte {error.start}, expected a .toml file") from None
