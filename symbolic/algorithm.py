"""The record of an algorithm: its prompt, its accumulator rows and its textbook update. No weights, no masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from .errors import ArgumentError, ContentError, SizesError
from .exact import exact_number
from .kinds import FLAG, FUNCTION, NAMES, TEXT, check_all
from .names import check_names
from .plain_text import shown
from .read import Read
from .sizes import SizeConstraint, broken, unfit
from .tables import Rule, check, check_selection, prescribed, selection, text
from .transitions import Sweep, Transition


@dataclass(frozen=True)
class FeatureBlock:
    """A named block of feature rows of the prompt Z: d rows, or one row when `scalar`.

    context : (transition, parameters) -> the block's entries in that transition's column
    query   : query features -> the block's entries in the query column; None means zero
    meaning : what the block holds, in the paper's letters (LaTeX)
    """

    name: str
    context: Callable[[Transition, Any], Any]
    query: Callable[[Any], Any] | None = None
    scalar: bool = False
    meaning: str = ""

    def __post_init__(self) -> None:
        TEXT.check(name=self.name)
        TEXT.check_fields(self, self.name, "meaning")
        FUNCTION.check_fields(self, self.name, "context")
        if self.query is not None:
            FUNCTION.check_fields(self, self.name, "query")
        FLAG.check_fields(self, self.name, "scalar")


@dataclass(frozen=True)
class Accumulator:
    """A named accumulator row of the prompt Z: the row that layers change.

    value : (weights, token, parameters) -> the entry of the row in that token's column when the weights are `weights`.
            `token` has an attribute for each feature block (zero where the query has none), `reward` and each of the
            transition's numbers (zero in the query column).  It must be affine in the weights.
    symbol : what a paper calls the row, in LaTeX: \\delta
    """

    name: str
    value: Callable[[Sequence[Any], Any, Any], Any]
    meaning: str = ""
    symbol: str = ""

    def __post_init__(self) -> None:
        TEXT.check(name=self.name)
        TEXT.check_fields(self, self.name, "meaning", "symbol")
        FUNCTION.check_fields(self, self.name, "value")


GROUPS = ("prediction", "control", "off-policy", "average reward", "acceleration")
"""The parts of the catalogue, in the order in which they are listed."""


@dataclass(frozen=True)
class Algorithm:
    """An in-context algorithm, as data.

    weights          names of the weight vectors (d,) that the algorithm iterates
    scalar_weights   which of them are scalars (a reward-rate estimate)
    preconditioners  names of the step matrices C : (d, d), one of each a layer
    scalar_preconditioners  which of them are scalar steps
    update           (weights, preconditioners, sweep, parameters) -> new weights, as the paper writes it
    options          named choices that the update reads from its parameters, default first
    transition_scalars, transition_vectors  names of further numbers and vectors (d,) that come with every transition:
                     an importance ratio, a given trace
    successor_vectors  further feature vectors of successors, which the update discounts as it does phi'
    symbols          what a paper calls a weight, a parameter, a step, a selection, a block of features or a variable of
                     the update, in LaTeX: {"mean": r"\\bar r"}; {j} in it is the token's place, r"1[{j} = \\ell]"
    defaults         values of parameters other than gamma and lam, as text: {"beta": "1/2"}
    heads            weights of one's own instead of derived ones: (layout, step, parameters, layer) -> the layer's
                     `Head`s of rows of rationals; `step.C` is the layer's preconditioner; layers count from 0

    tables           what scalar steps are at layer l = 1, 2, ...: a formula, {"beta": "(l - 1) / (l + 2)"}, or the
                     numbers of one period, {"sync": ("0", "1")}; without one they are the user's
    selections       numbers of each transition, 1 where layer l reads it and 0 elsewhere: {"now": "j = l"} is read as
                     `t.now`, in the update only
    sizes            what it asks of the sizes, as text: ("n = d",), ("L <= n",), ("L is a multiple of 3",)
    unit_columns     what the last d context columns hold, where they are no transitions: {"phi": "root"} says that the
                     i-th of them holds root * e_i in place of a transition's phi, and zeros else (a parameter or a
                     number for each vector). The update's loop goes over the n - d transitions before them; its n is n
    enumerates       whether the context holds each state once, phi_j = e_j, and phi'_j is the expected next feature:
                     prompts of a process are then drawn so
    group            the part of the catalogue that it stands in, one of `GROUPS`
    differs          how the update differs from its source: sign, trace, scaling

    Laws, each tested over every algorithm: the update uses only + - * / and @; every accumulator is affine in the
    weights; some accumulator holds + or - w.q in the query column.
    """

    name: str
    title: str
    source: str
    features: tuple[FeatureBlock, ...]
    accumulators: tuple[Accumulator, ...]
    update: Callable[[Sequence[Any], Sequence[Any], Any, Any], tuple[Any, ...]]
    weights: tuple[str, ...] = ("w",)
    scalar_weights: tuple[str, ...] = ()
    preconditioners: tuple[str, ...] = ("C",)
    scalar_preconditioners: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    transition_scalars: tuple[str, ...] = ()
    transition_vectors: tuple[str, ...] = ()
    successor_vectors: tuple[str, ...] = ()
    defaults: Mapping[str, str] = field(default_factory=dict)
    heads: Callable[[Any, Any, Any, int], Sequence[Any]] | None = None
    tables: Mapping[str, Rule] = field(default_factory=dict)
    selections: Mapping[str, str] = field(default_factory=dict)
    sizes: tuple[str, ...] = ()
    unit_columns: Mapping[str, str] = field(default_factory=dict)
    enumerates: bool = False
    group: str = ""
    differs: str = ""
    notes: str = ""
    symbols: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        TEXT.check_fields(self, "", "name", "title", "source", "group", "differs", "notes")
        FUNCTION.check(update=self.update)
        FUNCTION.check_given(heads=self.heads)
        FLAG.check(enumerates=self.enumerates)
        for name in ("features", "accumulators", "weights", "parameters", "transition_scalars", "transition_vectors",
                     "successor_vectors", "preconditioners", "sizes"):  # fmt: skip
            value = getattr(self, name)
            if isinstance(value, str) or not isinstance(value, Sequence):
                raise ArgumentError(f"{name} is {shown(value)}, wanted a tuple such as ({shown(value)},)")
        check_all("features", self.features, FeatureBlock)
        check_all("accumulators", self.accumulators, Accumulator)
        NAMES.check_fields(
            self, "", "weights", "scalar_weights", "preconditioners", "scalar_preconditioners", "transition_scalars",
            "transition_vectors", "successor_vectors",
        )  # fmt: skip
        for name in ("options", "defaults", "tables", "selections", "unit_columns", "symbols"):
            if not isinstance(getattr(self, name), Mapping):
                raise ArgumentError(f"{name} is {shown(getattr(self, name))}, wanted a dict")
        for name, words in self.options.items():
            NAMES.check(**{f"option {name if isinstance(name, str) else shown(name)}": words})
        _ = self.size_constraints
        rows = [getattr(x, "name", None) for x in (*self.features, *self.accumulators)]
        twice = next((name for name in rows if rows.count(name) > 1), None)
        if twice is not None:
            raise ArgumentError(f"{twice} names two rows of the prompt: give each row block a name of its own")
        if "reward" in rows[: len(self.features)]:
            raise ContentError("a feature row has the name reward, which is taken: it is what x.reward reads")
        carried = (*self.selections, *self.transition_scalars, *self.transition_vectors, *self.successor_vectors)
        check_names(
            (
                ("the weight", self.weights), ("the preconditioner", self.preconditioners),
                ("the parameter", self.parameters), ("the option", tuple(self.options)),
                ("the selection", tuple(self.selections)),
                ("the transition's number", self.transition_scalars),
                ("the transition's vector", self.transition_vectors),
                ("the successor's vector", self.successor_vectors),
            ),
            carried,
        )  # fmt: skip
        for what, names, among in (
            ("scalar_weights", self.scalar_weights, self.weights),
            ("scalar_preconditioners", self.scalar_preconditioners, self.preconditioners),
            ("tables", self.tables, self.scalar_preconditioners),
        ):
            unknown = next((name for name in names if name not in among), None)
            if unknown is not None:
                raise ContentError(f"{what} names {str(unknown)[:40]}, wanted some of {', '.join(among)}")
        for name, rule in self.tables.items():
            check(rule, name)
        for name, rule in self.selections.items():
            check_selection(rule, name)
        self._check_unit_columns()

    def _check_unit_columns(self) -> None:
        vectors = ("phi", "phi_next", *self.transition_vectors, *self.successor_vectors)
        for name, coefficient in self.unit_columns.items():
            if name not in vectors:
                raise ContentError(f"unit_columns names {shown(name)}, wanted some of {', '.join(vectors)}")
            if coefficient not in self.parameters:
                exact_number(coefficient, f"unit_columns of {name}, no parameter,")
        if self.unit_columns and (self.selections or self.enumerates):
            raise ContentError("unit_columns stands beside selections or enumerates: leave out one of the two")

    def __copy__(self) -> Algorithm:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Algorithm:
        return self  # a record is never changed, and is known by its identity

    @property
    def size_constraints(self) -> tuple[SizeConstraint, ...]:
        """What it asks of the sizes, read; `ContentError` for what is no constraint."""
        return tuple(SizeConstraint.parse(text) for text in self.stated_for)

    @property
    def stated_for(self) -> tuple[str, ...]:
        """`sizes`, and room for the unit columns."""
        return (*self.sizes, *(("n >= d",) if self.unit_columns else ()))

    def prescribed(self, steps: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Each layer's steps, layer 1 first, with what the tables prescribe in place of theirs."""
        return prescribed(self.tables, self.preconditioners, steps)

    @property
    def layered_names(self) -> tuple[str, ...]:
        """What differs from layer to layer by a rule: tables and selections."""
        return (*self.tables, *self.selections)

    @property
    def layered(self) -> tuple[str, ...]:
        """What its tables, its unit columns and its sizes say, a sentence each."""
        sizes = f"It is stated where {' and '.join(self.stated_for)}."
        tables = [f"At layers l = 1, 2, ... {name} is {text(rule)}." for name, rule in self.tables.items()]
        tables += [
            f"At layer l = 1, 2, ... {name} is 1 at the tokens {rule} and 0 elsewhere."
            for name, rule in self.selections.items()
        ]
        if self.unit_columns:
            held = " and ".join(f"{c} e_i in place of {name}" for name, c in self.unit_columns.items())
            tables.append(f"The last d of the n context columns are no transitions: the i-th holds {held}, zeros else.")
        return (*tables, *([sizes] if self.stated_for else []))

    def check_tables(self, steps: Sequence[tuple[Any, ...]]) -> None:
        """Raise `ArgumentError` where a layer's scalar step is another than its table prescribes."""
        for layer, (given, wanted) in enumerate(zip(steps, self.prescribed(steps), strict=True)):
            for name, x, y in zip(self.preconditioners, given, wanted, strict=True):
                if name in self.tables and x != y:
                    raise ArgumentError(
                        f"{name} of preconditioners[{layer}] is {x}, but the table of {self.name} has {y} at "
                        f"layer {layer + 1}"
                    )

    def check_looped(self, looped: bool) -> None:
        """Raise `SizesError` where one layer's weights for all are asked for, but a table tells layers apart."""
        if looped and self.layered_names:
            raise SizesError(
                f"looped is asked for, but the layers of {self.name} differ: {self.layered[0]} Leave it out"
            )

    def check_sizes(self, d: int, n: int, depth: int) -> None:
        """Raise `SizesError` with the constraint where it is not stated for these sizes."""
        sizes = {"d": d, "n": n, "L": depth}
        unmet = broken(self.size_constraints, sizes)
        if unmet is not None:
            raise unfit(self.name, unmet, sizes)

    @property
    def extras(self) -> tuple[tuple[str, bool], ...]:
        """(name, whether it is a vector) of everything further that a transition carries."""
        vectors = (*self.transition_vectors, *self.successor_vectors)
        return (*((n, False) for n in self.transition_scalars), *((n, True) for n in vectors))

    @property
    def read(self) -> tuple[tuple[str, bool], ...]:
        """(name, whether it is a vector) of everything further that an update may read of a transition."""
        return (*self.extras, *((name, False) for name in self.selections))

    def at_layer(self, transitions: Sequence[Transition], layer: int) -> Sequence[Transition]:
        """The transitions as layer l = 1, 2, ... reads them: with the selections' numbers."""
        return self.reading(transitions, {name: selection(rule, layer) for name, rule in self.selections.items()})

    def reading(self, transitions: Sequence[Transition], numbers: Mapping[str, Any]) -> Sequence[Transition]:
        """The transitions with these numbers of the selections, {name: token from 1 on -> its number}."""
        if not self.selections:
            return transitions
        return [
            replace(t, extras={**t.extras, **{name: numbers[name](j) for name in self.selections}})
            for j, t in enumerate(transitions, 1)
        ]

    @property
    def transitions(self) -> str:
        """How many transitions the update's loop goes over, in letters."""
        return "n - d" if self.unit_columns else "n"

    def sweep(self, transitions: Sequence[Transition], d: int) -> Sweep:
        """The loop of an update over the columns of a context, without those that hold unit vectors.  d : how many"""
        if not self.unit_columns:
            return Sweep(transitions)
        return Sweep(transitions[: len(transitions) - d], len(transitions))

    def with_unit_columns(
        self, transitions: Sequence[Transition], units: Sequence[Any], p: Any, number: Callable[[Any], Any]
    ) -> tuple[Transition, ...]:
        """The columns of a context, the last ones made what `unit_columns` says.

        units  : the unit vectors, as vectors of the arithmetic
        number : what a rational is in it
        """
        if not self.unit_columns:
            return tuple(transitions)
        first = len(transitions) - len(units)
        if first < 0:
            raise SizesError(f"context is {len(transitions)}, but {self.name} is stated for n >= d = {len(units)}")

        def held(name: str, unit: Any) -> Any:
            coefficient = self.unit_columns.get(name, "0")
            if coefficient in self.parameters:
                return unit * getattr(p, coefficient)
            return unit * number(exact_number(coefficient, f"unit_columns of {name}"))

        return (
            *transitions[:first],
            *(
                replace(
                    t, phi=held("phi", e), phi_next=held("phi_next", e), reward=number(0),
                    extras={name: held(name, e) if is_vector else number(0) for name, is_vector in self.extras},
                )
                for t, e in zip(transitions[first:], units, strict=True)
            ),
        )  # fmt: skip

    def choose(self, options: Mapping[str, str] | None = None) -> dict[str, str]:
        """The options in force: the given ones, defaults for the rest; `ArgumentError` for one that does not exist."""
        chosen = {name: values[0] for name, values in self.options.items()}
        for name, value in (options or {}).items():
            if name not in chosen:
                raise ArgumentError(f"{name} is {shown(value)}, but {self.name} has no option {name}: leave it out")
            if value not in self.options[name]:
                raise ArgumentError(f"{name} is {shown(value)}, wanted {' or '.join(self.options[name])}")
            chosen[name] = value
        return chosen

    def values(self, known: Mapping[str, Fraction]) -> dict[str, Fraction]:
        """The value of each parameter: the known ones, else the algorithm's defaults.

        Raises `ArgumentError` when one has neither, `ContentError` when a default is no exact number.
        """
        defaults = {name: exact_number(x, f"the default of {name}") for name, x in self.defaults.items()}
        both = {**defaults, **known}
        missing = [name for name in self.parameters if name not in both]
        if missing:
            raise ArgumentError(
                f"{self.name} needs a value for {', '.join(missing)}: --parameter {missing[0]}=1/2, or "
                f'defaults={{"{missing[0]}": "1/2"}} in the algorithm'
            )
        return {name: both[name] for name in self.parameters}

    def bind(self, values: Mapping[str, Any], options: Mapping[str, str] | None = None) -> Read:
        """The parameter object that `update` reads: `p.gamma`, `p.lam`, and the options by name."""
        missing = [name for name in self.parameters if name not in values]
        if missing:
            raise ArgumentError(f"{self.name} needs a value for {', '.join(missing)}")
        known = {name: values[name] for name in self.parameters} | self.choose(options)
        declared = "".join(f'"{name}", ' for name in self.parameters)
        return Read(
            f"p has no NAME: it has {', '.join(known) or 'nothing'}; a parameter of your own is declared in the "
            f'algorithm, parameters=({declared}"NAME"{"" if declared else ","}), and its value is '
            'defaults={"NAME": "1/3"} or --parameter NAME=1/3',
            **known,
        )

    @property
    def token_numbers(self) -> tuple[str, ...]:
        """What a column has beside its feature blocks: the reward, and the transition's numbers that are no blocks."""
        blocks = {block.name for block in self.features}
        return ("reward", *(name for name in self.transition_scalars if name not in blocks))

    def token(self, blocks: Mapping[str, Any], numbers: Mapping[str, Any]) -> Read:
        """A column of the prompt as `Accumulator.value` reads it, from its blocks and its `token_numbers`."""
        return Read(
            f"a column has no NAME: it has {', '.join((*blocks, *numbers))}; what an accumulator reads has a row of "
            'its own, FeatureBlock("NAME", lambda t, p: t.NAME, scalar=True) for a number, or is declared, '
            'transition_scalars=("NAME",)',
            **blocks, **numbers,
        )  # fmt: skip

    def context_token(self, transition: Transition, p: Any) -> Read:
        """The column of a transition."""
        blocks = {block.name: block.context(transition, p) for block in self.features}
        return self.token(blocks, {name: getattr(transition, name) for name in self.token_numbers})

    def query_token(self, query: Any, zero_scalar: Any) -> Read:
        """The query column: zero wherever a block has no entry there, and for the reward and other numbers."""
        blocks = {}
        for block in self.features:
            if block.query is not None:
                blocks[block.name] = block.query(query)
            else:
                blocks[block.name] = zero_scalar if block.scalar else 0 * query
        return self.token(blocks, dict.fromkeys(self.token_numbers, zero_scalar))

    def column_values(self, weights: Sequence[Any], token: Any, p: Any) -> list[Any]:
        """The accumulator rows' entries in `token`'s column, top to bottom."""
        return [row.value(weights, token, p) for row in self.accumulators]
