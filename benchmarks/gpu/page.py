"""What the two calls found, as a page of Markdown."""

from __future__ import annotations

import re

from benchmarks.gpu.contenders import CASES, CONTENDERS

REHEARSED = "**A rehearsal: toys for recipes, on a stand-in for a GPU. No number below says anything.**"


def page(result: dict) -> str:
    """All calls, each with its machine, what it found and how far each of its parts came."""
    lines = ["# Measured on a GPU", "", "By `bash benchmarks/gpu.sh first` and `second`."]
    for name, call in result["calls"].items():
        lines += ["", f"## The {name} call", "", *machine(call["machine"]), "", *found(call), "", *progress(call)]
    return "\n".join(lines) + "\n"


def machine(of: dict) -> list[str]:
    """The GPU and what was measured with what."""
    versions = ", ".join(" ".join(pair) for pair in of["versions"].items())
    set_outside = "".join(f"; {name}={value}" for name, value in of["environment"].items())
    return [*([REHEARSED, ""] if of["rehearsal"] else []), f"{of['gpu']}; {versions}{set_outside}"]


def progress(call: dict) -> list[str]:
    """How far each part came, and why not further."""
    lines = ["| part | | seconds | of at most | |", "|---|---|---|---|---|"]
    for part in call["parts"]:
        seconds = f"{part['seconds']:.1f}" if "seconds" in part else ""
        why = cell(reason(part.get("why", "")))
        lines.append(f"| {part['name']} | {part['state']} | {seconds} | {part['limit']:.0f} | {why} |")
    return lines


def reason(why: str) -> str:
    """The line that says most of what a program said last: an exception's first one, or the last."""
    lines = why.splitlines() or [""]
    return next((line for line in reversed(lines) if re.match(r"[\w.]+(Error|Exception|Exit)\b", line)), lines[-1])


def found(call: dict) -> list[str]:
    """What the parts found, each kind with its own words."""
    lines: list[str] = []
    rows = [row for part in call["parts"] for row in part.get("cases", ())]
    rates = {key: rate for part in call["parts"] for key, rate in part.get("rates", {}).items()}
    if rates:
        said = ", ".join(f"{rate:.1f} in {precision}" for precision, rate in rates.items())
        lines += [f"The rate: TFLOP/s of a large square product, {said}.", ""]
    if rows:
        lines += [*timings(rows, rates), ""]
    for part in call["parts"]:
        for row in part.get("smoke", ()):
            draws = "equal" if row["same_draws"] else "DIFFERENT"
            apart = ", ".join(f"{apart:.1e} after {n}" for n, apart in row["apart"].items())
            lines += [f"- smoke test, {row['precision']}: z and minibatches {draws}, parameters apart {apart}", ""]
        if tests := part.get("tests"):
            lines += [f"- {part['name']}: {tests['said']}", *(f"  - {cell(test)}" for test in tests["failed"]), ""]
        if part.get("table"):
            lines += [f"{part['name'].capitalize()}:", "", part["table"].rstrip(), ""]
        if part.get("kernels"):
            lines += [*kernels(part["kernels"]), ""]
        if part.get("training"):
            said = ", ".join(f"{key.replace('_', ' ')} {value:.6g}" for key, value in part["training"].items())
            lines += [f"- a whole training: {said}", ""]
    return lines[:-1]


def timings(rows: list[dict], rates: dict[str, float]) -> list[str]:
    """The contenders; ratios are to minigan's own row of the same case and precision.

    rates  TFLOP/s of a large square product in each precision
    """
    own = {(r["case"], r["precision"]): r["median_ms"] for r in rows if r["name"] in ("minigan", "minigan tf32")}
    lines = ["| case | | precision | median ms | min - max | / minigan | iterations/s | TFLOP/s | of the rate | host |"]
    lines.append("|---|---|---|---|---|---|---|---|---|---|")
    cases, names = list(CASES), list(CONTENDERS)
    for r in sorted(rows, key=lambda r: (cases.index(r["case"]), r["precision"], names.index(r["name"]))):
        base, rate = own.get((r["case"], r["precision"])), rates.get(r["precision"])
        ratio = f"{r['median_ms'] / base:.2f}" if base else ""
        share = f"{100 * r['tflop_per_s'] / rate:.0f}%" if rate else ""
        lines.append(
            f"| {r['case']} | {r['name']} | {r['precision']} | {r['median_ms']:.4f} "
            f"| {r['min_ms']:.4f} - {r['max_ms']:.4f} | {ratio} | {r['iterations_per_second']:.0f} "
            f"| {r['tflop_per_s']:.1f} | {share} | {100 * r['host_core']:.0f}% |"
        )
    return lines


def kernels(rows: list[dict]) -> list[str]:
    """Every kernel of one iteration in order, and the sum of their times."""
    total = sum(row["ns"] for row in rows) / 1e3
    lines = [f"An iteration launched singly: {len(rows)} kernels, {total:.1f} us.", ""]
    lines += ["| kernel | grid | block | us |", "|---|---|---|---|"]
    return lines + [f"| {cell(r['kernel'])} | {r['grid']} | {r['block']} | {r['ns'] / 1e3:.2f} |" for r in rows]


def cell(text: str) -> str:
    """Text that a cell of a table can hold."""
    return text.replace("|", "\\|")
