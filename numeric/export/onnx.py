"""The transformer as ONNX graphs, node by node: the layer's formula has four operators, so no tracing is needed.

`model.onnx` has a dynamic batch and a dynamic context length n.  Its masks are cut out of the graph's input length: the
plain context mask is made for any n; other masks are stored at the exported n, correctly rounded, and cut down to the
leading n x n, so that a longer prompt is an error (shapes do not fit) and never a wrong answer.  That is right since
no entry of a derived mask depends on n.  `model_fixed_n.onnx` has the exported n and only Add, Div, MatMul, Transpose.
Both take Z : (batch, m, n + 1) and give the prediction : (batch, 1, 1), then Z_1, ..., Z_L.  Initializers have the
tensors' names; a tensor equal to an earlier one is stored once.  Nothing of the machine is in the file.

n is a column (m, 1) of equal entries and no scalar: ONNX runtime turns a division by a scalar constant after a product
into a factor that it keeps in float32, and a float64 model is then right to float32 only, unless 1/n is exact there.
A row of zeros is added to what is transposed, which rounds nothing: ONNX runtime 1.20 to 1.25 puts a transposition and
the product after it together into a product that it cannot do in float64, and then does not load the model.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...symbolic.construction import Construction
from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.patterns.construction import PatternConstruction
from ..exported.config import ANY, MissingExtraError
from ..files.weights_file import tensors
from ..lower import lower

OPSET, IR_VERSION = 18, 10
DTYPES = ("float64", "float32")
_PARTS = ("initializer", "node", "input", "output")
"""What a graph is compared by, name by name; every other field as a whole: local functions, versions, notes."""


def library() -> Any:
    """The onnx package; `MissingExtraError` where it is not installed."""
    try:
        return importlib.import_module("onnx")
    except ImportError:
        raise MissingExtraError(
            "onnx was asked for and is not installed: needs pip install 'layerproof[onnx]'"
        ) from None


class Graph:
    """Nodes and initializers in the order in which they are made."""

    def __init__(self, onnx: Any, dtype: str):
        self.onnx, self.number = onnx, np.dtype(dtype)
        self.element = onnx.TensorProto.DOUBLE if dtype == "float64" else onnx.TensorProto.FLOAT
        self.nodes: list[Any] = []
        self.stored: dict[str, Any] = {}

    def constant(self, name: str, value: Any, number: Any = None) -> str:
        """An initializer."""
        array = np.ascontiguousarray(np.array(value, dtype=number or self.number))
        self.stored[name] = self.onnx.numpy_helper.from_array(array, name)
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """A node with one output, called after it."""
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output


def model(construction: Construction | PatternConstruction, dtype: str, context: str | int | None) -> bytes:
    """The file's bytes, the same for the same weights.

    context : None for the exported n alone; "any" or the longest n for a dynamic one.  "any" is for weights whose
              only mask is the plain context mask
    Raises `ArgumentError` for a dtype that ONNX runtimes do not multiply in, `MissingExtraError` without onnx.
    """
    if dtype not in DTYPES:
        raise ArgumentError(f"dtype is {dtype}, wanted {' or '.join(DTYPES)} for ONNX: runtimes multiply in no other")
    onnx = library()
    if isinstance(construction, PatternConstruction):
        from .pattern_onnx import pattern_graph

        return serialized(onnx, pattern_graph(Graph(onnx, dtype), construction, dtype))
    graph, layout = Graph(onnx, dtype), construction.layout
    names = _stored(graph, construction, dtype, context)
    n = (
        graph.constant("n", np.full((layout.m, 1), layout.n))
        if context is None
        else _context(graph, names, context, layout.m)
    )
    graph.constant("zeros_row", np.zeros(layout.m))
    Z, states = "Z", []
    for number in range(construction.depth):
        stored = 0 if construction.looped else number
        Z = _layer(graph, names, stored, len(construction.heads(number)), Z, f"Z_{number + 1}", n)
        states.append(Z)
    _prediction(graph, construction, Z, fixed=context is None)
    columns: str | int = layout.n + 1 if context is None else "n_plus_1"
    typed = onnx.helper.make_tensor_value_info
    made = onnx.helper.make_graph(
        graph.nodes,
        "layerproof",
        [typed("Z", graph.element, ["batch", layout.m, columns])],
        [
            typed("prediction", graph.element, ["batch", 1, 1]),
            *(typed(name, graph.element, ["batch", layout.m, columns]) for name in states),
        ],
        list(graph.stored.values()),
    )
    return serialized(onnx, made)


def serialized(onnx: Any, made: Any) -> bytes:
    """A graph as the bytes of a checked file, always the same."""
    whole = onnx.helper.make_model(
        made, opset_imports=[onnx.helper.make_opsetid("", OPSET)], producer_name="layerproof"
    )
    whole.ir_version = IR_VERSION
    onnx.checker.check_model(whole, full_check=True)
    return bytes(whole.SerializeToString(deterministic=True))


def _stored(graph: Graph, construction: Construction, dtype: str, context: str | int | None) -> dict[str, str]:
    """The weights as initializers: tensor name -> the initializer that holds it.

    For a dynamic n a mask is stored without the query's row and column: cut to a longer context, which it cannot be,
    it then stays too small, and the product with it fails.
    """
    from ..device import resolve_dtype

    lowered = lower(construction, resolve_dtype(dtype), "cpu").layers
    seen: dict[int, str] = {}
    names = {}
    for name, matrix in tensors(construction).items():
        _, number, _, head, kind = name.split(".")
        if id(matrix) not in seen:
            seen[id(matrix)] = name
            value = lowered[int(number)][int(head)][kind].numpy()
            if kind != "M" or context is None:
                graph.constant(name, value)
            elif context != ANY:
                graph.constant(name, value[:-1, :-1])
        names[name] = seen[id(matrix)]
    return names


def _context(graph: Graph, names: dict[str, str], context: str | int, m: int) -> str:
    """1/n's n and the masks for the length of the input; `names` then leads to the masks that were made."""
    whole = np.int64
    for name, value in (("one", [1]), ("two", [2]), ("column", [m, 1])):
        graph.constant(name, value, whole)
    graph.node("Shape", ["Z"], "columns", start=2, end=3)
    graph.node("Sub", ["columns", "one"], "context")
    graph.node("Cast", ["context"], "n_vector", to=graph.element)
    n = graph.node("Expand", ["n_vector", "column"], "n")
    masks = sorted({names[name] for name in names if name.endswith(".M")})
    if context == ANY:
        graph.constant("zero_number", [0])
        graph.constant("one_number", [1])
        graph.node("Expand", ["one_number", "context"], "ones")
        graph.node("Concat", ["ones", "zero_number"], "diagonal", axis=0)
        graph.node("Concat", ["columns", "columns"], "square", axis=0)
        graph.node("Expand", ["zero_number", "square"], "zeros")
        graph.node("EyeLike", ["zeros"], "identity")
        made = dict.fromkeys(masks, graph.node("Mul", ["identity", "diagonal"], "context_mask"))
    else:
        graph.constant("axes", [0, 1], whole)
        graph.constant("start", [0, 0], whole)
        graph.node("Concat", ["context", "context"], "end", axis=0)
        graph.constant("padding", [0, 0, 1, 1], whole)  # the query's row and column are zero
        made = {}
        for k, name in enumerate(masks):
            cut = graph.node("Slice", [name, "start", "end", "axes"], f"cut_{k}")
            made[name] = graph.node("Pad", [cut, "padding"], f"mask_{k}")
    for name in names:
        if name.endswith(".M"):
            names[name] = made[names[name]]
    return n


def _layer(graph: Graph, names: dict[str, str], stored: int, heads: int, Z: str, output: str, n: str) -> str:
    """Z + (sum of the heads) / n, each head from left to right."""
    turned = graph.node("Transpose", [Z], f"{Z}_transposed", perm=[0, 2, 1])
    turned = graph.node("Add", [turned, "zeros_row"], f"{Z}_turned")
    total = ""
    for h in range(heads):
        W, P, Q, M = (names[f"layers.{stored}.heads.{h}.{kind}"] for kind in "WPQM")
        at = f"{output}_head_{h}"
        value = graph.node("MatMul", [P, Z], f"{at}_P")
        value = graph.node("MatMul", [W, value], f"{at}_W")
        value = graph.node("MatMul", [value, M], f"{at}_M")
        value = graph.node("MatMul", [value, turned], f"{at}_keys")
        value = graph.node("MatMul", [value, Q], f"{at}_Q")
        value = graph.node("MatMul", [value, Z], at)
        total = graph.node("Add", [total, value], f"{at}_sum") if total else value
    change = graph.node("Div", [total, n], f"{output}_change")
    return graph.node("Add", [Z, change], output)


def _prediction(graph: Graph, construction: Construction, Z: str, fixed: bool) -> None:
    """sign * (the read-out row's entry in the query column), by products with 0, 1 and -1, which round nothing."""
    layout, readout = construction.layout, construction.readout
    row = np.zeros((1, layout.m))
    row[0, layout.accumulator(readout.row)] = readout.sign
    graph.constant("readout_row", row)
    graph.node("MatMul", ["readout_row", Z], "readout")
    if fixed:
        query = np.zeros((layout.n + 1, 1))
        query[-1, 0] = 1
        graph.constant("query_column", query)
        graph.node("MatMul", ["readout", "query_column"], "prediction")
    else:
        graph.node("Slice", ["readout", "context", "columns", "two"], "prediction")


def differences(content: bytes, wanted: bytes) -> Iterator[str]:
    """What an ONNX file has otherwise than the one made from the weights, by the name of the part.

    Raises `ContentError` when it is no ONNX file.  Nothing in it is run, and no other file that it names is opened.
    """
    if content == wanted:
        return
    onnx = library()
    protobuf = importlib.import_module("google.protobuf.message")
    try:
        model = onnx.ModelProto.FromString(content)
    except protobuf.DecodeError:
        raise ContentError("is no ONNX file: it cannot be decoded") from None
    expected = onnx.ModelProto.FromString(wanted)
    for part in _PARTS:
        have = {x.name: x.SerializeToString(deterministic=True) for x in getattr(model.graph, part)}
        want = {x.name: x.SerializeToString(deterministic=True) for x in getattr(expected.graph, part)}
        for name in [*want, *(k for k in have if k not in want)]:
            if have.get(name) != want.get(name):
                state = "missing" if name not in have else "not one of ours" if name not in want else "another"
                yield f"{part} {ascii(name)[1:-1]:.80} is {state}"
        if [x.name for x in getattr(model.graph, part)] != [x.name for x in getattr(expected.graph, part)]:
            yield f"the {part}s stand in another order or number"
    for where, have, want in (("", model, expected), ("graph.", model.graph, expected.graph)):
        others = {field.name for field in have.DESCRIPTOR.fields} - {"graph", *_PARTS}
        yield from (f"{where}{x} is another" for x in sorted(others) if getattr(have, x) != getattr(want, x))
    yield "its bytes differ from those made from the weights"
