"""Names and titles of users as data: identifiers of Rocq that clash with nothing, and text for comments."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_KEYWORDS = """Prop SProp Set Type as at by cofix else end exists exists2 fix for forall fun if in is let lib match of
return then using where with mod struct Lemma Theorem Definition Proof Qed Section End"""
# What a generated file says of its own, so that a user's name shadows none of it (a test reads the files for more).
_OWN = """F R I L W P Q M X Y Z0 b d h i j k k' l n q s t u v phi phi' W' P' Q' M' prompt' step' body' nat bool true
false prod pair nil cons Some None option seq tt isT erefl eqVneq eqP idP n_gt0 n_neq0 state loop body step finish
iterate after sweep insub enum foldl transformer layer attn prompt features rows table values output mask masks
vectors numbers columns dot gather gathers gatherD gathersD tracev traces tracev0 traces0 tracevS tracesS tracev_delay
traces_delay tracev_sum traces_sum diagonal below above gather_diagonal gather_below gather_above gathers_diagonal
gathers_below gathers_above gathers_ones closed loop_closed layer_step step_gathered layer_sparse value_tables
key_tables number_tables sparse_values sparse_keys sparse_numbers head_values head_keys head_mask head_output
feature_row number_row feature_rows prompt_of prompt_mx eq_prompt key_query change transformer_loop run_like
run_in_other_words read_prediction read_query read_context read_features linear close_scalar close_vector close_any
close_field close_extra close_ring name_gathers name_traces name_inverses unfold_change sweep_ind sweep_after rshift
lshift ord0 Ordinal row_mx col_mx block_mx mulVf pnatr_eq0 lt0n inv_nat matrixP eq_bigr big_split scalerDr scaler_sumr
mulrDr mulr_sumr scaler0 mulr0 addr0 add0r mxE numFieldType attention loop_masks loop_prompt LayerProof usubmx row col
trmx rat oner_neq0 gatherZ gathersZ only All fact0 fact1 fact2 fact3 fact4
with_units with_units_l with_units_r sum_transitions sum_axes axis"""
KEYWORDS, OWN = frozenset(_KEYWORDS.split()), frozenset(_OWN.split())
GREEK = {"LAMDA": "lambda"}


class Names:
    """One file's identifiers: each user's name gets one of its own, as near to it as Rocq allows."""

    def __init__(self, reserved: Iterable[str] = ()):
        self._taken = {*KEYWORDS, *OWN, *reserved}

    def new(self, wanted: str) -> str:
        """An identifier that nothing else in the file has.

        >>> names = Names()
        >>> names.new("total"), names.new("total"), names.new("step"), names.new("δ"), names.new("x *) y")
        ('total', 'total_', 'step_', 'delta', 'x____y')
        """
        name = identifier(wanted)
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name


def identifier(wanted: str) -> str:
    """The nearest word that Rocq reads as an identifier: letters, digits, _ and no more than forty of them."""
    text = "".join(_plain(c) for c in wanted)
    text = re.sub(r"[^A-Za-z0-9_]", "_", text)[:40]
    return text if re.match(r"[A-Za-z]", text) else f"x{text}"


def _plain(c: str) -> str:
    if c.isascii():
        return c
    words = unicodedata.name(c, "").split()
    if words[:1] == ["GREEK"] and words[-2:-1] == ["LETTER"]:
        return GREEK.get(words[-1], words[-1].lower())
    return unicodedata.normalize("NFKD", c).encode("ascii", "ignore").decode()


def comment(text: str) -> str:
    """One line for a comment: nothing in it can end the comment, open a string or start a line.

    >>> comment('evil *) Axiom "x')
    'evil ) Axiom x'
    """
    line = " ".join("".join(c for c in text if c.isprintable() or c == " " or c == "\n").split())
    return line.replace("*", "").replace('"', "")[:300]
