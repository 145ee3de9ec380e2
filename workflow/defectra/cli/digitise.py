"""``defectra digitise``: the lines of a figure as numbers, with uncertainties and an overlay."""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

from defectra.cli.help import command
from defectra.core.errors import DataError
from defectra.core.number_types import number, positive
from defectra.core.outputs import check_out

if TYPE_CHECKING:
    from defectra.images.digitise.read import Digitised
    from defectra.images.digitise.ticks import Scale


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    text = (
        "read the lines of a plot (png, jpg, tif): csv with uncertainties, and an overlay to check"
    )
    parser = command(
        commands,
        "digitise",
        text,
        "defectra digitise figure.png --out figure.csv",
        "defectra digitise figure.png --x 120=8340 620=8360 --y 400=0 40=1 --line 1",
    )
    parser.add_argument("figure", type=Path, help="image of the plot")
    parser.add_argument("--out", type=Path, help="csv file; default: next to the figure")
    for axis in ("x", "y"):
        text = f"two or more points of the {axis} axis, if its numbers cannot be read"
        parser.add_argument(f"--{axis}", nargs="+", default=[], metavar="PIXEL=VALUE", help=text)
    text = "axes that are logarithmic; one whose numbers are read and are linear is refused"
    parser.add_argument("--log", nargs="+", choices=("x", "y"), default=[], help=text)
    text = "names of the columns, e.g. energy mu"
    parser.add_argument("--names", nargs=2, default=["x", "y"], metavar=("X", "Y"), help=text)
    text = "write only this line (counted from 1), as two columns for `defectra look` and `predict`"
    parser.add_argument("--line", type=positive, help=text)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Read a figure, write its numbers and the overlay, tell what was found."""
    from defectra.images.digitise.picture import read_picture
    from defectra.images.digitise.read import digitise, draw_overlay, write_csv_of, write_spectrum

    image = read_picture(chosen.figure)
    names = _names(chosen.names, with_line=chosen.line is None)
    out = chosen.out or chosen.figure.with_suffix(".csv")
    overlay = out.with_name(out.stem + "_overlay.png")
    check_out(out, [chosen.figure], (".csv", ".dat", ".txt"))
    check_out(overlay, [chosen.figure])
    try:
        found = digitise(image, points(chosen.x, "x"), points(chosen.y, "y"), chosen.log)
    except DataError as error:
        raise DataError(f"{chosen.figure}: {error}") from None
    if chosen.line is None:
        write_csv_of(found, out, names)
    else:
        write_spectrum(found, chosen.line, out, names)
    draw_overlay(image, found, overlay)
    print(description(found))
    print(f"numbers: {out}; look at {overlay} before you use them")
    return 0


def _names(words: list[str], *, with_line: bool) -> tuple[str, str]:
    """Names of x and y, which differ from each other and from those of the other columns.

    Raises
    ------
    DataError
        If two columns would be called the same.
    """
    x, y = words
    columns = ["line", x, y, f"{x}_sd", f"{y}_sd"] if with_line else [x, y]
    if len(set(columns)) < len(columns):
        raise DataError(f"--names {x} {y}: two columns of the csv would have one name")
    return x, y


def points(words: list[str], axis: str) -> list[tuple[float, float]]:
    """Points of an axis.

    Raises
    ------
    DataError
        If a word is not ``PIXEL=VALUE``, two finite numbers.
    """
    out = []
    for word in words:
        pixel, _, value = word.partition("=")
        try:
            out.append((number(pixel), number(value)))
        except argparse.ArgumentTypeError:
            raise DataError(
                f"--{axis} {word}: not PIXEL=VALUE, two finite numbers, e.g. 120=8340"
            ) from None
    return out


def description(found: Digitised) -> str:
    """What was read, in lines."""
    left, top, right, bottom = found.box.sides
    missing = {"left", "top", "right", "bottom"} - set(found.box.seen)
    frame = f"frame: columns {left:.1f} to {right:.1f}, rows {top:.1f} to {bottom:.1f}"
    if missing:
        frame += f" (no spine at {', '.join(sorted(missing))}: the ends of the others)"
    lines = [frame, _scale(found.x, "x", left, right), _scale(found.y, "y", bottom, top)]
    for count, (line, doubts) in enumerate(zip(found.lines, found.remarks(), strict=True), 1):
        x, _, _, away = found.values(line)
        colour = "".join(f"{c:02x}" for c in line.colour)
        lines.append(
            f"line {count}: {len(x)} columns, x {x[0]:.6g} to {x[-1]:.6g}, colour #{colour}, "
            f"y ± {statistics.median(away.tolist()):.2g}" + "".join(f"; {one}" for one in doubts)
        )
    if found.left:
        lines.append(f"NOT READ: {found.left} inside the frame; look at the overlay")
    return "\n".join(lines)


def _scale(scale: Scale, axis: str, first: float, last: float) -> str:
    kind = "logarithmic" if scale.is_log else "linear"
    ends = f"{float(scale.value(first)):.6g} to {float(scale.value(last)):.6g}"
    if scale.read == 2:  # of numbers beside an axis, three are needed
        return f"{axis} axis: {kind}, {ends}; by two points, which nothing checks"
    return (
        f"{axis} axis: {kind}, {ends}; {scale.labels} of {scale.read} numbers agree within "
        f"{scale.residual:.2f} pixels"
    )
