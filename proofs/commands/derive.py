"""`layerproof derive`: the derivation of one algorithm's weights, readable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from ...numeric.data.draws import preconditioners
from ...numeric.files.weights_file import document
from ...symbolic.construction import Construction, construct
from ...symbolic.derivation.suggest import derive_or_advise
from ...symbolic.errors import ArgumentError, ContentError, WorkLimitError
from ...symbolic.exact import whole_number
from ...symbolic.pattern_algorithms import pattern_catalogue
from ...symbolic.patterns.derive import derive_pattern
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.plain_text import message, shown
from ...symbolic.strict_json import dumps
from ..case import Settings, check_parameters
from ..patterns.weights import check_pattern_size, pattern_parameters, pattern_weights
from ..report.assemble import greek, page_name
from ..report.derivation.matrices import weight_sections
from ..report.derivation.patterns import pattern_matrices, pattern_sections
from ..report.derivation.steps import in_symbols, sections
from ..report.model import Section
from ..report.pattern_formulas import layer_formulas, row_symbols, stated
from ..report.set_formulas import set_sections
from ..report.writers import plain_text, tex
from ..report.writers.json_data import steps as steps_data
from ..terminal.options import Gamma, Json, Lam, Looped, Parameters, Seed, Trace, integer, parameter_values, rational
from ..terminal.run_options import GAMMA, LAM
from ..user_file import guarded, is_file, origin, resolve_algorithm, resolve_any
from ..verdict import SCHEMA, Claim, Verdict

MAX_TENSOR_ENTRIES = 10**6


def command(
    algorithm: str,
    *,
    features: Annotated[int | None, integer(["--features", "-d"], "also the matrices, at this d")] = None,
    context: Annotated[int | None, integer(["--context", "-n"], "also the matrices, at this n")] = None,
    layers: Annotated[int | None, integer(["--layers", "-L"], "also the matrices of this many layers")] = None,
    gamma: Gamma = GAMMA,
    lam: Lam = LAM,
    trace: Trace = None,
    parameter: Parameters = None,
    seed: Seed = 0,
    looped: Looped = False,
    json: Json = False,
    format: Annotated[
        Literal["text", "latex", "json"], Parameter(name="--format", help="text, latex or json")
    ] = "text",
) -> int:
    """Show how the weights follow from the textbook update: ansatz, linear system, solution, masks, heads, read-out.

    With -d, -n or -L the exact matrices are added, with preconditioners drawn from the seed and --parameter's values.
    """
    if json and format == "latex":
        raise ArgumentError("format is latex, but --json asks for JSON: leave one of them out")
    if algorithm in pattern_catalogue() or is_file(algorithm):
        pattern = resolve_any(algorithm)
        if isinstance(pattern, PatternAlgorithm):
            named = {"gamma": rational(gamma, "gamma"), "lam": rational(lam, "lam")}
            how = _pattern_settings(pattern, (features, context, layers), named, trace, parameter, seed, looped)
            return _pattern(pattern, json or format == "json", format, how)
    resolved = resolve_algorithm(algorithm, "derive")
    if trace is not None and "trace" not in resolved.options:
        raise ArgumentError(f"trace is {shown(trace)}, but {resolved.name} keeps no trace: leave it out")
    options = {"trace": trace} if trace is not None else {}
    values = {"gamma": rational(gamma, "gamma"), "lam": rational(lam, "lam")}
    given = parameter_values(parameter or [])
    check_parameters(given, resolved.parameters)
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise ArgumentError(f"{name} is {value}, wanted a number from 0 to 1")
    sizes = (features, context, layers)
    for name, size in zip(("features", "context", "layers"), sizes, strict=True):
        if size is not None:
            whole_number(name, size, 1)
    if any(size is not None for size in sizes):
        _check_size(resolved, features or 2, context or 3, layers or 1, looped)
        resolved.check_looped(looped)
    if resolved.heads is not None:
        raise ContentError(f"{resolved.name} gives its own heads, so nothing is derived: layerproof verify checks them")
    with guarded([resolved]):
        derivation = derive_or_advise(resolved, options)
        steps = sections(derivation)
    construction: Construction | None = None
    if any(size is not None for size in sizes):
        d, n, depth = features or 2, context or 3, layers or 1
        drawn = preconditioners(resolved, d, 1 if looped else depth, seed)
        construction = construct(derivation, d, n, depth, drawn, resolved.values(values | given), looped)
    title = f"{resolved.title}: weights derived from the update"
    if json or format == "json":
        claim = Claim(
            resolved.name, "the weights follow from the textbook update", "derived", Verdict.HOLDS,
            "see `layerproof verify` for uniqueness", f"{len(derivation.heads)} heads",
        )  # fmt: skip
        content = _content(claim, derivation.options, steps)
        if construction is not None:
            content["weights"] = document(construction)
        print(dumps(content), end="")
        return 0
    if construction is not None:
        steps = (*steps, *in_symbols(weight_sections(construction), derivation.state))
    _print(resolved.name, title, steps, format)
    return 0


def _print(name: str, title: str, steps: Sequence[Section], format: str) -> None:
    shown = (
        tex.titled(page_name(name, set()), greek(title), steps) if format == "latex" else plain_text.write(title, steps)
    )
    print(shown, end="")


def _pattern_settings(
    algorithm: PatternAlgorithm, sizes: tuple[int | None, ...], named: Mapping[str, Fraction], trace: str | None,
    parameter: list[str] | None, seed: int, looped: bool,
) -> Settings | None:  # fmt: skip
    """What the matrices are asked at; None where no size is named."""
    d, n, depth = (other if size is None else size for size, other in zip(sizes, (2, 3, 1), strict=True))
    values = parameter_values(parameter or [])
    settings = Settings(
        features=d, context=n, layers=depth, trace=trace, values=values, seed=seed, looped=looped,
        gamma=named["gamma"], lam=named["lam"],
    )  # fmt: skip
    check_pattern_size(algorithm, settings)
    pattern_parameters(algorithm, settings)
    return settings if any(size is not None for size in sizes) else None


def _pattern(algorithm: PatternAlgorithm, json: bool, format: str, how: Settings | None) -> int:
    """The heads of an algorithm that attends by patterns, as text or data: they hold at all sizes."""
    if algorithm.layer is not None:
        path = origin(algorithm)
        named = algorithm.name if path is None else message(str(path))
        raise ContentError(f"{algorithm.name} gives its own layer: layerproof verify {named} checks it")
    with guarded([algorithm]):
        form = derive_pattern(algorithm)
        steps = pattern_sections(algorithm, form, stated(algorithm), layer_formulas(form))
    weights = None if how is None else pattern_weights(algorithm, how)
    title = f"{algorithm.title}: heads derived from the update"
    if not json and weights is not None:
        steps = (*steps, pattern_matrices(weights))
    steps = set_sections(steps, row_symbols(algorithm))
    if not json:
        _print(algorithm.name, title, steps, format)
        return 0
    claim = Claim(
        algorithm.name, "the heads follow from the textbook update", "derived", Verdict.HOLDS,
        "see `layerproof verify` for the identities", f"{len(form.heads)} head{'s' * (len(form.heads) != 1)}",
    )  # fmt: skip
    content = _content(claim, {}, steps)
    if weights is not None:
        content["weights"] = document(weights)
    print(dumps(content), end="")
    return 0


def _content(claim: Claim, options: Mapping[str, str], steps: Sequence[Section]) -> dict[str, Any]:
    return {
        "command": "derive",
        "schema": SCHEMA,
        "claims": [claim.to_json()],
        "algorithm": claim.algorithm,
        "options": dict(options),
        "derivation": steps_data(steps),
    }


def _check_size(algorithm: Any, d: int, n: int, depth: int, looped: bool) -> None:
    m = sum(1 if b.scalar else d for b in algorithm.features) + len(algorithm.accumulators)
    entries = (1 if looped else depth) * 3 * m * m + (n + 1) ** 2
    if entries > MAX_TENSOR_ENTRIES:
        raise WorkLimitError(
            f"the matrices asked for have about {entries} entries, above the limit of {MAX_TENSOR_ENTRIES}: "
            "ask for smaller sizes, or --looped; from Python, layerproof.construct has no limit"
        )
