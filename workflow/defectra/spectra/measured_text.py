"""Bytes of a measured file to text, or a sentence that says what the file is instead."""

from __future__ import annotations

import re

from defectra.spectra.measured_spectrum import SpectrumError

_MARKS = (  # byte-order marks, the longer before the shorter
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_KINDS = (  # first bytes, what it is, what to do
    (b"\x89HDF\r\n\x1a\n", "HDF5", ""),
    (b"\x00\x00\x00\x03", "Gatan dm3", ""),
    (b"\x00\x00\x00\x04", "Gatan dm4", ""),
    (b"PK\x03\x04", "a zip archive or an Excel or OpenDocument workbook", "export it as csv"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Origin file", "export it as csv"),
    (b"CPY", "an Origin project", "export the worksheet as csv"),
    (b"%PDF", "a PDF", "export the table as csv"),
    (b"II*\x00", "a TIFF image", "give the spectrum, not the image"),
    (b"MM\x00*", "a TIFF image", "give the spectrum, not the image"),
    (b"\x89PNG", "a PNG image", "give the spectrum, not the image"),
    (b"\xff\xd8\xff", "a JPEG image", "give the spectrum, not the image"),
    (b"{\\rtf", "a rich-text document", "save it as plain text"),
    (b"SIMPLE  =", "a FITS image", "export the spectrum as csv"),
    (b"CDF\x01", "netCDF", "export the spectrum as csv"),
    (b"BZh", "a bzip2 archive", "unpack it"),
    (b"\xfd7zXZ", "an xz archive", "unpack it"),
    (b"(\xb5/\xfd", "a Zstandard archive", "unpack it"),
)
# Typographic minus signs, as spreadsheets and word processors write them.
_SIGNS = str.maketrans({"\u2212": "-", "\ufe63": "-", "\uff0d": "-", "\u2011": "-"})


def kind_of(data: bytes) -> tuple[str, str]:
    """What a file is by its first bytes, and what to do with it; empty if it may be text."""
    return next(((kind, to_do) for mark, kind, to_do in _KINDS if data.startswith(mark)), ("", ""))


def decoded(data: bytes) -> str:
    r"""Text of a file with any line endings (they become ``\n``).

    Byte-order marks are heeded; UTF-16 without one is known by its zeros, and what is no UTF-8 is
    read as Windows-1252, as instruments write it.

    Raises
    ------
    SpectrumError
        If it is no text.
    """
    kind, to_do = kind_of(data)
    if kind:
        raise SpectrumError(f"{kind}, no table of text" + (f": {to_do}" if to_do else ""))
    text = _as_text(data).replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text or len(re.findall(r"[\x01-\x08\x0e-\x1a\x1c-\x1f]", text)) > len(text) / 100:
        raise SpectrumError("binary data of a format that is not known: no table of numbers")
    return text.translate(_SIGNS)


def _as_text(data: bytes) -> str:
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    head = data[:400]
    if not encoding and len(head) > 40:  # UTF-16 of plain letters has a zero in each pair
        for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
            zeros = head[first::2].count(0), head[1 - first :: 2].count(0)
            if zeros[0] > 0.4 * len(head) / 2 and zeros[1] == 0:
                encoding = name
    try:
        return data.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        if encoding:
            raise SpectrumError(f"damaged {encoding}: {error.reason}; save it as UTF-8") from None
        return data.decode("cp1252", errors="replace")
