"""Settings of study `dynamics`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field, model_validator

from defectra.core.settings import ComputedSettings, Distinct, Strict

IDEAL = "ideal"
PARAMETERS = {
    "source": ("alpha", "beta", "gamma", "delta"),
    "scan": ("growth", "turn", "radius"),
}  # of the true laws
COUNTS = ["counts_10000", "counts_1000", "counts_100", "counts_10", "counts_1"]


def _within(name: str, values: Sequence[int], low: int, high: int) -> None:
    """Refuse a stage of a fit that asks for patterns which a trajectory does not have."""
    if wrong := [v for v in values if not low <= v <= high]:
        raise ValueError(f"{name}: {wrong[0]}; from {low} to {high}, by the number of `patterns`")


class View(Strict):
    """Detector and probe."""

    pixels: int = Field(42, ge=8, description="steps of 2 pi / box that the detector spans")
    sampling: float = Field(0.5, gt=0, le=1, description="step of the pixels, of 2 pi / box")
    probe: float = Field(0.25, gt=0, description="standard deviation of the probe, of the box")
    stop: float = Field(0.06, ge=0, lt=0.5, description="radius of the beam stop, of the detector")


class KuramotoSystem(Strict):
    """Oscillators on a grid that a kernel couples."""

    trajectories: int = Field(6, ge=2)
    fewer: int = Field(3, ge=2, description="trajectories at counts that are not judged, at most")
    number: int = Field(80, ge=11, description="side of the grid")
    box: float = Field(2.0, gt=0, description="side of the sample, length")
    coupling: float = Field(20.0, description="of the kernel, 1/time")
    width: float = Field(1.5, gt=0, description="of the kernel, points")
    first: float = Field(5.0, ge=0, description="time of the first pattern")
    interval: float = Field(0.5, gt=0, description="time between patterns")
    patterns: int = Field(21, ge=4, description="of a trajectory that is learned from")
    later: Distinct[float] = Field(
        [50.0, 75.0, 100.0, 150.0, 200.0, 250.0],
        description="times at which the state alone is kept, to judge the extrapolation",
    )
    substeps: int = Field(2, ge=1, description="of the integrator in an interval")
    horizons: list[int] = Field(
        [3, 6, 20], min_length=2, description="patterns of each stage of the fit"
    )
    iterations: int = Field(20, ge=1, description="of a stage at most")
    view: View = View()

    @model_validator(mode="after")
    def _possible(self) -> KuramotoSystem:
        _within("horizons", self.horizons, 2, self.patterns)
        last = self.first + self.interval * (self.patterns - 1)
        if not self.later or sorted(self.later) != self.later or self.later[0] <= last:
            raise ValueError(
                f"later: rising times after the last pattern, which is taken at {last:g}"
            )
        return self


class SwarmSystem(Strict):
    """Particles that attract and repel each other; same density as 500 in a box of 5."""

    trajectories: int = Field(4, ge=2)
    fewer: int = Field(3, ge=2, description="trajectories at counts that are not judged, at most")
    number: int = Field(250, ge=10, description="particles")
    box: float = Field(3.5355, gt=0, description="side of the sample, length")
    radius: float = Field(0.15, gt=0, description="of the spheres, length")
    reach: float = Field(0.75, gt=0, description="true cut-off, length")
    first: float = Field(1.0, ge=0, description="time of the first pattern")
    interval: float = Field(0.1, gt=0, description="time between patterns")
    patterns: int = Field(17, ge=4, description="of a trajectory")
    horizons: list[int] = Field(
        [4, 8, 16], min_length=1, description="patterns of each stage of the fit"
    )
    iterations: int = Field(20, ge=1, description="of a stage at most; of the last twice as many")
    range: float = Field(1.2, gt=0, description="largest distance of the learned law, length")
    first_guess: float = Field(0.95, gt=0, description="start of a cut-off inside the network")
    view: View = View(pixels=48, sampling=0.75, stop=0.05)

    @model_validator(mode="after")
    def _possible(self) -> SwarmSystem:
        _within("horizons", self.horizons, 2, self.patterns)
        return self


class PlanarSystem(Strict):
    """A sample that is moved as a whole."""

    trajectories: int = Field(8, ge=2)
    number: int = Field(400, ge=10, description="spheres")
    box: float = Field(2.0, gt=0, description="side of the sample, length")
    radius: float = Field(0.07, gt=0, description="of the spheres, length")
    interval: float = Field(2.0, gt=0, description="time between patterns")
    patterns: int = Field(9, ge=4, description="of a trajectory")
    substeps: int = Field(4, ge=1, description="of the integrator in an interval")
    shots: list[int] = Field([1, 2, 4, 8], description="intervals of each stage of the fit")
    iterations: int = Field(90, ge=1, description="of a stage")
    law: dict[str, float] = Field({}, description="true parameters")
    search: float = Field(1.3, gt=0, description="largest displacement that is searched, length")
    judged: float = Field(
        190.0, gt=0, description="time over which the law is judged; one period more than `periods`"
    )
    refits: int = Field(5, ge=3, description="networks, each of resampled trajectories")
    ablation: int = Field(60, ge=4, description="iterations of the networks on patterns alone")
    periods: int = Field(10, ge=1, description="over which the law is judged")
    view: View = View(sampling=0.75, stop=0.05)

    @model_validator(mode="after")
    def _possible(self) -> PlanarSystem:
        if not self.shots:
            raise ValueError("shots: one stage at least")
        _within("shots", self.shots, 1, self.patterns - 1)
        return self


class DynamicsStudy(ComputedSettings):
    """Study `dynamics`: laws of motion from coherent scattering (arXiv:2311.14196)."""

    counts: Distinct[str] = Field(
        [IDEAL, *COUNTS],
        min_length=1,
        description="protocols of engine coherent, the first without noise",
    )
    main: str = Field("counts_10000", description="of these the one that the claims are judged at")
    kuramoto: KuramotoSystem = KuramotoSystem()
    swarm: SwarmSystem = SwarmSystem()
    source: PlanarSystem = PlanarSystem(
        law={"alpha": 1 / 3, "beta": 2 / 3, "gamma": 0.5, "delta": 0.5}
    )
    scan: PlanarSystem = PlanarSystem(
        law={"growth": 0.15, "turn": 0.8, "radius": 0.6},
        interval=1.0,
        patterns=13,
        trajectories=6,
        shots=[1, 4, 12],
        iterations=60,
        judged=95.0,
    )
    bootstrap: int = Field(300, ge=20, description="resamples over trajectories, if ten or more")

    def named_protocols(self) -> Mapping[str, tuple[str, str]]:
        """Each count of photons is a protocol of engine `coherent`."""
        return {f"counts.{k}": ("coherent", name) for k, name in enumerate(self.counts)}

    @model_validator(mode="after")
    def _judged(self) -> DynamicsStudy:
        if self.main not in self.counts:
            raise ValueError(f"main: {self.main} is none of counts: {', '.join(self.counts)}")
        for name, parameters in PARAMETERS.items():
            given = getattr(self, name).law
            if set(given) != set(parameters):
                raise ValueError(
                    f"{name}.law: {', '.join(given) or 'nothing'}; it needs {', '.join(parameters)}"
                )
        return self


SETTINGS = DynamicsStudy
