"""Which line of a header names the columns, and what else it says."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence

from defectra.engines.edges import find
from defectra.spectra import header_styles
from defectra.spectra.column_names import ENERGIES, Role, column, is_unit
from defectra.spectra.measured_spectrum import SpectrumError
from defectra.spectra.measured_table import Dialect, Table

_SIGNS = "#!%;*/'\" \t"
_FAR = 80  # lines above the table that may name its columns


def names_of(table: Table) -> list[str] | None:
    """Names of the columns of a table; None if its header names none.

    A line names the columns if it has as many words as there are columns, and one of them is an
    energy, or two are detectors or absorption. Units may stand in the words or in the line below.

    Raises
    ------
    SpectrumError
        If a line names an energy and detectors, but not as many as there are columns.
    """
    count = table.data.shape[1]
    styled = header_styles.names_of_9809(table.header, count) or _numbered(table.header, count)
    if styled:
        return styled
    below: list[list[str]] = []
    misfit = ""
    for line in reversed(table.header[-_FAR:]):
        words = line.strip(_SIGNS).split()
        units = len(words) > 1 and all(is_unit(w) for w in words)  # ``eV nA nA``
        fitting = [f for w in splits(line, table.dialect) if (f := _fitting(w, count))]
        if fitting and not units:
            return _with_units(max(fitting, key=_likely), below)
        if _known(words) > 1 and _has_energy(words) and not misfit:
            misfit = line.strip()
        below.append(words)
    other = _one_a_line(table.header, count) or _strange(table.header, count, table.dialect)
    if other:
        return other
    if misfit:
        comma = "; decimal commas between commas cannot be read" if _commas(table) else ""
        raise SpectrumError(
            f"the names {misfit[:70]!r} do not fit the {count} columns{comma}; choose: --columns "
            "energy=1 mu='ln(col2/col3)'"
        )
    return None


def _one_a_line(header: Sequence[str], count: int) -> list[str] | None:
    """Names on lines of their own, the last before the table (SSRL)."""
    words = [x.strip(_SIGNS) for x in header if x.strip(_SIGNS)][-count:]
    return words if len(words) == count and _is_header(words) and _has_energy(words) else None


def _strange(header: Sequence[str], count: int, dialect: Dialect) -> list[str] | None:
    """Words of the last line, one for each column, none of which is an energy: names all the same.

    With one known word (``wavelength(nm) mu``) they are names if there is no energy among them.
    """
    last = next((x for x in reversed(header) if re.search(r"\w", x)), "")
    body = last.strip(_SIGNS)
    words = body.split()
    if not all(re.fullmatch(r"[^\W\d]\S*", w) for w in words) or len(words) != count:
        words = dialect.cells(body) if dialect.separator in body else []
    fits = len(words) == count and all(re.match(r"[^\W\d]", w) for w in words)
    return words if fits and not _has_energy(words) else None


def _commas(table: Table) -> bool:
    return table.dialect.separator == ","


def splits(line: str, dialect: Dialect) -> Iterator[list[str]]:
    """Ways to part a line into names, the likeliest first."""
    body = re.sub(r"^#L\s", "", line.strip()).lstrip("#!%*/ \t").strip()
    body = body.lstrip(";").strip() if dialect.separator != ";" else body
    if dialect.separator != " ":
        try:
            yield [w.strip() for w in next(csv.reader([body], delimiter=dialect.separator), [])]
        except csv.Error:
            return
    if "\t" in body:
        yield [w.strip() for w in body.split("\t") if w.strip()]
    yield [w.strip(" |") for w in re.split(r"\s{2,}|\t|\||\*\s+", body) if w.strip(" |")]
    if re.search(r"[,;]", body):
        yield [w.strip() for w in re.split(r"[,;]", body) if w.strip()]
    words = _joined(re.findall(r'"[^"]*"|\S+', body))
    yield _compounds(words, {Role.UNKNOWN, Role.OTHER_ENERGY, Role.QUALIFIED})
    yield _compounds(words, {Role.UNKNOWN, Role.OTHER_ENERGY})


def _joined(words: Sequence[str]) -> list[str]:
    """Words with their units put back: ``Energy (eV)`` is one name, ``ln( I0 / It )`` too."""
    out: list[str] = []
    for word in words:
        open_before = out and out[-1].count("(") + out[-1].count("[") > (
            out[-1].count(")") + out[-1].count("]")
        )
        if out and (open_before or re.match(r"[(\[{]", word)):
            out[-1] += f" {word}"
        else:
            out.append(word)
    return out


def _compounds(words: Sequence[str], apart: set[Role]) -> list[str]:
    """Words that are one name put together: ``Mono Energy``, ``absorption coefficient``.

    Two that would make a role of `apart` stay apart: in ``Beam Energy`` the first may be a column
    of its own, so that only the number of columns can say.
    """
    out: list[str] = []
    for word in words:
        if out and Role.UNKNOWN in (column(out[-1]).role, column(word).role):
            both = column(f"{out[-1]} {word}").role
            if both not in apart:
                out[-1] += f" {word}"
                continue
        out.append(word)
    return out


def _fitting(words: list[str], count: int) -> list[str] | None:
    """Names among the words if they fit the columns, with or without a word before them."""
    if len(words) == count + 1 and re.fullmatch(r"[A-Z]{1,2}|\w+:", words[0]):
        words = words[1:]  # ``#C``, ``#L``, ``columns:``
    return words if len(words) == count and _is_header(words) else None


def _likely(words: Sequence[str]) -> tuple[bool, int]:
    """How well a way to part the line does: an energy, then how many names are known."""
    return _has_energy(words), _known(words)


def _is_header(words: Sequence[str]) -> bool:
    if any(map(_is_no_name, words)):
        return False
    roles = [column(w).role for w in words]
    known = [r for r in roles if r is not Role.UNKNOWN]
    axis = {*ENERGIES, Role.OTHER_ENERGY, Role.LOSS, Role.ANGLE}
    return bool(axis & set(known)) or len(known) > 1


def _is_no_name(word: str) -> bool:
    """Whether a word is a number, a unit in brackets or a sum of columns; ``<xanes>`` is a name."""
    if re.fullmatch(r"<.*>", word):  # FDMNES: a mean over polarisations
        return is_unit(word.strip("<>"))
    return bool(re.fullmatch(r"[-+\d.,]+|[(\[{].*[)\]}]", word) or re.search(r"=\s*col", word))


def _known(words: Sequence[str]) -> int:
    return sum(column(w).role is not Role.UNKNOWN for w in words)


def _has_energy(words: Sequence[str]) -> bool:
    return any(column(w).role in (Role.ENERGY, Role.QUALIFIED) for w in words)


def _with_units(names: list[str], below: Sequence[Sequence[str]]) -> list[str]:
    """Names with the units of the line below them."""
    for words in below:
        if len(words) == len(names) and all(is_unit(w) for w in words):
            return [
                n if column(n).unit or w in ("-", "none") else f"{n} ({w.strip('()[]')})"
                for n, w in zip(names, words)
            ]
    return names


def _numbered(header: Sequence[str], count: int) -> list[str] | None:
    """Names of lines such as ``# Column.1: energy eV`` and ``# Column 2 = I0``."""
    found: dict[int, str] = {}
    for line in header:
        match = re.match(r"[#!%;*\s]*col(?:umn)?s?[ ._]*(\d{1,3})\s*[:=]\s*(\S.*)", line, re.I)
        if match:
            found[int(match.group(1))] = match.group(2).split("||")[0].strip()
    if not found or max(found) > count or not _is_header(list(found.values())):
        return None
    return [found.get(k + 1, f"column {k + 1}") for k in range(count)]


# Lines of the instrument: its crystals, filters and coatings are no absorbers.
_INSTRUMENT = re.compile(
    r"(?:diffract\w*|crystal|mono\w*|analy[sz]er|filter|window|mirror|coating|harmonic|detector|"
    r"reference|calibrat\w*)\b[^:=]*\b(?:element|edge)\b",
    re.I,
)


def edge_said(header: Sequence[str]) -> tuple[str, str]:
    """Element and edge that a header names: ``Element: Ni``, ``# edge = k``, ``Ni K edge``."""
    text = "\n".join(x for x in header if not _INSTRUMENT.search(x))
    element = re.search(
        r"(?:\belement(?:\.symbol)?|\.element)\s*[:=]\s*([A-Za-z]{1,2})\b", text, re.I
    )
    edge = re.search(r"\bedge\s*[:=]\s*(K|L[123])\b", text, re.I)
    symbol = element.group(1).capitalize() if element else ""
    name = edge.group(1).upper() if edge else ""
    if not symbol:
        title = re.search(r"\b([A-Z][a-z]?)[ _-]?(K|L[123])[ _-]?edge\b", text)
        if title and find(*title.groups()):
            return title.group(1), title.group(2)
    return (symbol if find(symbol, name or "K") else "", name)
