"""The README's table of the paper against minigan, from what `minigan.evaluate --json` wrote:

    python -m minigan.evaluate --pretrained mnist --json docs/results/mnist/table.json
    python docs/table1.py

Writes docs/results/table1.md, and the same between the README's two marks.
"""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).parent
RESULT = HERE / "results" / "mnist" / "table.json"
PAGE = HERE / "results" / "table1.md"
README = HERE.parent / "README.md"
MARKS = ("<!-- table 1: begin, made by docs/table1.py -->\n", "<!-- table 1: end -->\n")


def table(result: dict) -> str:
    """Markdown: the paper's rows, ours, and what else scores by this measure."""
    lines = [
        f"| MNIST, {result['test_images']:,} test images | nats | draw to draw | sigma | with a finer grid of sigma |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {name} (paper) | {mean} ± {error} | | | |" for name, (mean, error) in result["paper"].items()]
    for i, row in enumerate(result["rows"]):
        name = "**minigan**, `--pretrained mnist`" if i == 0 else row["name"]
        value = f"{row['mean']:.1f} ± {row['standard_error']:.1f}"
        value = f"**{value}**" if i == 0 else value
        apart = f"± {row['spread']:.1f}" if row["spread"] is not None else "one start"
        finer = f"{row['finer_mean']:.1f} ({row['finer_sigma']:.3f})"
        lines.append(f"| {name} | {value} | {apart} | {row['sigma']:.3f} | {finer} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    made = table(json.loads(RESULT.read_text()))
    PAGE.write_text(made)
    text = README.read_text()
    start, end = text.index(MARKS[0]) + len(MARKS[0]), text.index(MARKS[1])
    README.write_text(text[:start] + made + text[end:])


if __name__ == "__main__":
    main()
