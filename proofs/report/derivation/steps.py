"""The derivation step by step: from the textbook update to the weights."""

from __future__ import annotations

from collections.abc import Sequence

from ....symbolic.derivation.derive import Derivation
from ....symbolic.derivation.state import SymbolicState
from ..declared import with_declared
from ..model import Section
from ..notation import row_names
from ..set_formulas import set_sections
from .ansatz import ansatz_section
from .freedom import freedom_section
from .heads import heads_section
from .masks import masks_section
from .prompt import prompt_section
from .readout import readout_section
from .system import system_section
from .update import update_section


def sections(derivation: Derivation) -> tuple[Section, ...]:
    """The steps, in a paper's symbols."""
    steps = (
        update_section(derivation),
        prompt_section(derivation),
        ansatz_section(derivation),
        system_section(derivation),
        masks_section(derivation),
        heads_section(derivation),
        freedom_section(derivation),
        readout_section(derivation),
    )
    return in_symbols(steps, derivation.state)


def in_symbols(sections: Sequence[Section], state: SymbolicState) -> tuple[Section, ...]:
    """The sections with a paper's symbols wherever a program's name stands, as on a page."""
    return with_declared(set_sections(sections, row_names(state)), state.algorithm)
