"""What a column is, from its name alone: energy, absorption, monitor, detector …"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from defectra.spectra import column_formula as formula
from defectra.spectra.measured_spectrum import SpectrumError


class Role(StrEnum):
    """What a column holds."""

    ENERGY = "energy"
    QUALIFIED = "energy of the beamline"
    NOMINAL = "energy asked for"
    OTHER_ENERGY = "another energy"
    LOSS = "energy loss"
    ANGLE = "angle"
    MU = "absorption"
    MU_TRANSMISSION = "absorption, transmission"
    MU_FLUORESCENCE = "absorption, fluorescence"
    NORMALISED = "normalised absorption"
    FLATTENED = "flattened absorption"
    MONITOR = "incident intensity"
    PASSED = "transmitted intensity"
    SHONE = "fluorescence"
    YIELD = "electron yield"
    REFERENCE = "reference"
    UNKNOWN = "not known"


_EXACT: dict[Role, str] = {
    Role.ENERGY: "e ee en ene ev kev energie energia enrg nrg hv hnu braggenergy ebraggenergy "
    "monoenergy mononrg photonenergy incidentenergy energyreadback energyfeedback emono "
    "qexafsenergy",
    Role.ANGLE: "angle theta twotheta 2theta tth bragg braggangle monoangle thetabragg",
    Role.MU: "mu xmu mue mut mux ut absorption absorbance absorptioncoefficient abs xanes xas "
    "xafs absorpt absorb chimu mux mutotal rawmu od opticaldensity mud mudx",
    Role.MU_TRANSMISSION: "mutrans mutransmission xmutrans mutrn mutr transmu xmut lni0it lni0i1",
    Role.MU_FLUORESCENCE: "mufluor mufluo mufluorescence mufl muf xmufluor fluormu xmuf ffi0 ifi0",
    Role.NORMALISED: "norm normalized normalised munorm normmu normalizedmu normalisedmu "
    "normalizedabsorption normalisedabsorption normabs normabsorption normxmu normalizedxmu "
    "normalizedabsorbance normalisedabsorbance normtrans normfluor",
    Role.FLATTENED: "flat flattened flatmu muflat flatnorm",
    Role.MONITOR: "i0 io izero monitor i0det i0monitor ionchamber0 ic0 incident incidentintensity "
    "i0intensity i0counts",
    Role.PASSED: "it i1 itrans itransmission itransmitted transmitted trans ic1 ionchamber1 "
    "transmittedintensity itdet",
    Role.SHONE: "if iff ff ifl ifluo ifluor ifluorescence fluor fluo fluorescence fl fy tfy pfy "
    "totalfluorescenceyield fluorescenceyield fluorescenceintensity",
    Role.YIELD: "tey pey totalelectronyield electronyield iey ie",
    Role.REFERENCE: "iref irefer ireference ir i2 muref murefer mureference refmu xmuref ref "
    "normrefer reference i3 murefer itref normref lnitiref lni1i2",
}
_ROLES = {key: role for role, keys in _EXACT.items() for key in keys.split()}
_LABELS = (
    "energy mono photon incident bragg readback actual achieved axis readout encoder enc fbk x"
)
# The same with words that stand beside a plain ``energy``, too: taken where nothing else is one.
_QUALIFIED = re.compile(
    "(?:(?:mono(?:chromator)?|dcm|ccm|pgm|sgm)[12]?|energy|photon|incident|incoming|excitation|bragg|"
    "beamline|bl|beam|xray|user|rbv|rb|readback|value|val|position|pos|actual|achieved|measured|"
    "scan(?:ned)?|encoder|enc|en|fbk|feedback|hv|hnu)+"
)
_NOMINAL = {
    *("requested", "nominal", "setpoint", "target", "desired", "demand", "set", "request", "sp"),
    *("demanded", "commanded", "command", "cmd"),
}
ENERGIES = (Role.ENERGY, Role.QUALIFIED, Role.NOMINAL)  # what is taken first
_UNITS = (
    r"ev|kev|mev|counts?|cts|cps|counts?/s|a\.?\s?u\.?|arb\.?\s?u(?:nits?)?\.?|arb\.?|volts?|v|amps?|"
    r"a|[mnpuµ]a|deg(?:rees?)?|rad(?:ians?)?|mrad|s|sec(?:onds?)?|ms|mm|1/cm|cm-1|unitless|norm(?:alized)?|"
    r"hz|none|-|å|angstroms?|1/å"
)
UNIT = re.compile(_UNITS, re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """A named column.

    Attributes
    ----------
    name
        As the file has it.
    key
        The same without unit, number, case and signs.
    unit
        As the file has it, lower case; empty if none is given.
    role
        What it holds.
    tree
        The formula that the name is, if it is one.
    """

    name: str
    key: str
    unit: str
    role: Role
    tree: formula.Tree | None = None


def column(name: str) -> Column:
    """What a name says."""
    text, unit = _split_unit(_unit_last(
        re.sub(r"^\(?\d{1,3}\s?[)_:.=]\s*(?=[^\W\d])", "", name.strip(" \"'*,;"))
    ))  # fmt: skip
    key = key_of(text)
    if qualified := _qualified(text, key, unit):
        return Column(name, *qualified)
    tree = _tree(text)
    role = _role_of_formula(tree) if tree is not None else _role(key)
    if role in (Role.UNKNOWN, Role.OTHER_ENERGY) and not unit:  # ``energyeV``
        found = re.fullmatch(r"(.{1,30}?)(k?ev)", key)
        if found and _role(found.group(1)) is Role.ENERGY:
            return Column(name, found.group(1), found.group(2), Role.ENERGY)
    if role is Role.UNKNOWN and key == "mono" and re.fullmatch(r"k?ev", unit):
        role = Role.ENERGY
    if role is Role.MU and re.search(r"%|\bper ?cent\b", name, re.I):
        role = Role.UNKNOWN  # of the light: 1 - T, no logarithm
    if unit == "alt":  # ``Mono Energy (alt)`` of APS 20-ID: the other of its two readings
        unit = ""
        role = _role(key)
    if role is Role.ENERGY and key in ("ev", "kev"):
        unit = unit or key
    if role in (Role.ENERGY, Role.QUALIFIED) and unit and not re.fullmatch(r"k?ev", unit):
        role = Role.OTHER_ENERGY
    return Column(name, key, unit, role, tree)


def _unit_last(text: str) -> str:
    """``Energy (eV) requested`` and ``Energy (requested, eV)`` as ``Energy (requested) (eV)``."""
    found = re.fullmatch(r"([^()\[\]]+?)\s*[(\[]\s*(k?ev)\s*[)\]]\s*(\S.*)", text, re.I)
    if found and _is_energy(key_of(found.group(1))) and re.match(r"[\w(\[]", found.group(3)):
        return f"{found.group(1)} {found.group(3)} ({found.group(2)})"
    pair = re.fullmatch(r"(.+?)\s*[(\[]\s*(\w+)\s*[,;]\s*(\w+)\s*[)\]]", text)
    if pair and _is_energy(key_of(pair.group(1))):
        name, *words = pair.groups()
        units = [w for w in words if re.fullmatch(r"k?ev", w, re.I)]
        if len(units) == 1:
            return f"{name} ({next(w for w in words if w not in units)}) ({units[0]})"
    return text


def _is_energy(key: str) -> bool:
    return "energy" in key or _ROLES.get(key) is Role.ENERGY


def _qualified(text: str, key: str, unit: str) -> tuple[str, str, Role] | None:
    """Key, unit, role of ``Energy (requested)``, ``E_rbv``: an energy, and which one; or None."""
    inside = re.fullmatch(r"(.+?)\s*[(\[]\s*([^()\[\]]+?)\s*[)\]]", text)
    if unit and not is_unit(unit) and not inside and _is_energy(key):
        base, word, unit = key, key_of(unit), ""  # brackets that hold no unit
    elif inside and _is_energy(key_of(inside.group(1))):
        base, word = key_of(inside.group(1)), key_of(inside.group(2))
    else:
        short = re.fullmatch(r"(e|en|ene)[\s_.\-]+(?!beam|bl)(\w+)", text, re.I)
        if not short or _role(key) is not Role.UNKNOWN:
            return None
        base, word = short.group(1).lower(), key_of(short.group(2))
    whole = (base if "energy" in base else "energy") + word
    role = _role(whole)
    if role not in ENERGIES or word == "energy" or not re.fullmatch(r"(?:k?ev)?", unit):
        return None
    return whole, unit, Role.NOMINAL if role is Role.NOMINAL else Role.QUALIFIED


def key_of(text: str) -> str:
    """Letters and digits of a name, lower case, without accents, µ as mu, ν as nu."""
    plain = text.lower().replace("μ", "mu").replace("µ", "mu").replace("ν", "nu")
    return re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", plain))


def is_unit(word: str) -> bool:
    """Whether a word of a header is a unit and no name."""
    return bool(UNIT.fullmatch(word.strip("()[]{},;")))


def _split_unit(text: str) -> tuple[str, str]:
    """Name and unit: ``Energy (eV)``, ``energy_eV``, ``E/eV``, ``Energy in keV``, not mu(E)."""
    text = text.strip()
    found = re.fullmatch(r"(.+?)\s*[(\[{<]\s*([^()\[\]{}<>]*?)\s*[)\]}>]", text)
    if found:
        name, unit = found.groups()
        if unit.lower() in ("e", "energy", "hv"):
            return name, ""
        if name.strip().lower() in formula.FUNCTIONS:
            return text, ""
        if is_unit(unit) or not re.search(r"[/*]", unit):
            return name, unit.lower()
        return text, ""
    found = re.fullmatch(rf"(.*\w.*?)\s*(?:[\s_/\-.,]|\bin\b)\s*({_UNITS})", text, re.IGNORECASE)
    if found and _role(key_of(found.group(1).removesuffix(" in"))) is not Role.UNKNOWN:
        return found.group(1).removesuffix(" in"), found.group(2).lower()
    return text, ""


def _role(key: str) -> Role:
    if key in _ROLES:
        return _ROLES[key]
    if "energy" not in key:
        return Role.UNKNOWN
    rest = key
    for word in _LABELS.split():
        rest = rest.replace(word, "")
    if not rest:
        return Role.ENERGY
    if rest in _NOMINAL or _QUALIFIED.sub("", key) in _NOMINAL:
        return Role.NOMINAL
    if _QUALIFIED.fullmatch(key):
        return Role.QUALIFIED
    return Role.LOSS if rest in ("loss", "losses") else Role.OTHER_ENERGY


def _tree(text: str) -> formula.Tree | None:
    """Formula of a name that has one: ``ln(I0/It)``, ``mu=log(I0/It)``, ``If/I0``."""
    body = text.split("=", 1)[-1].strip()
    if not re.search(r"[/()]", body):
        return None
    try:
        tree = formula.parse(body.replace("[", "(").replace("]", ")"))
    except SpectrumError:
        return None
    return (
        tree
        if any(True for _ in formula.names(tree)) and not isinstance(tree, formula.Name)
        else None
    )


def _role_of_formula(tree: formula.Tree) -> Role:
    """What a formula of named detectors gives; everything but the usual ones is not known."""
    sign, body = _bare(tree)
    if isinstance(body, formula.Call) and body.function in ("ln", "log", "log10"):
        top, under = _quotient(body.argument)
        if (top, under) == (Role.MONITOR, Role.PASSED) and sign > 0:
            return Role.MU_TRANSMISSION
        if (top, under) == (Role.PASSED, Role.MONITOR) and sign < 0:
            return Role.MU_TRANSMISSION
        return Role.REFERENCE if Role.REFERENCE in (top, under) else Role.UNKNOWN
    top, under = _quotient(body)
    if under is Role.MONITOR and sign > 0:
        return {Role.SHONE: Role.MU_FLUORESCENCE, Role.YIELD: Role.MU_FLUORESCENCE}.get(
            top, Role.UNKNOWN
        )
    return Role.UNKNOWN


def _bare(tree: formula.Tree) -> tuple[int, formula.Tree]:
    if isinstance(tree, formula.Pair) and tree.left == formula.Number(0.0) and tree.sign in "+-":
        sign, body = _bare(tree.right)
        return (sign if tree.sign == "+" else -sign), body
    return 1, tree


def _quotient(tree: formula.Tree) -> tuple[Role, Role]:
    if isinstance(tree, formula.Pair) and tree.sign == "/":
        parts = [_role(key_of(t.text)) if isinstance(t, formula.Name) else Role.UNKNOWN
                 for t in (tree.left, tree.right)]  # fmt: skip
        return parts[0], parts[1]
    return Role.UNKNOWN, Role.UNKNOWN
