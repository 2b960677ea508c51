"""The pictures of samples that a run left, under a slider."""

from __future__ import annotations

from minigan.files import page
from minigan.files.checkpoint import Header
from minigan.files.run_folder import RunFolder
from minigan.reporting.curves import evenly

MOST = 40
FRAME = "iteration-"


def shown(folder: RunFolder, header: Header | None) -> str:
    """As many as a page can carry."""
    found = sorted(folder.samples.glob(f"{FRAME}*.png"))
    if not found:
        return page.paragraph("No picture in samples/ yet.")
    chosen = evenly(found, MOST)
    pictures = header is None or header["data"].get("image_shape")
    what = "A grid of samples of G" if pictures else "Points of p_g over those of p_data"
    classes = "; each row is of one class" * (header is not None and "labels" in header["data"])
    frames = [(path.read_bytes(), f"iteration {int(path.stem.removeprefix(FRAME))}") for path in chosen]
    count = f"{len(chosen)} of the {len(found)} pictures" if len(chosen) < len(found) else f"All {len(found)} pictures"
    same = f"the same z in each, so that one can see a sample change{classes}"
    words = (
        f"{count}: {what[0].lower()}{what[1:]}, {same}. The slider moves by mouse, or by the arrow keys, Home and End."
    )
    return page.paragraph(words) + page.slider(frames, what)
