"""What a construction's functions compute, as expressions: traced once, then evaluated everywhere, and checked.

Read `expression` (the tree), `strict` (the algebra), `trace`, `traced` (its data), `evaluate`, `points` (the second
net), in this order.
"""

from __future__ import annotations

from ..errors import DiffersError as DiffersError
from ..errors import RefusedError as RefusedError
from .evaluate import evaluated as evaluated
from .evaluate import is_evaluated as is_evaluated
from .expression import Expression as Expression
from .expression import text as text
from .points import Point as Point
from .points import differs as differs
from .points import points as points
from .points import traced_values as traced_values
from .points import values_at as values_at
from .trace import trace as trace
from .traced import Loop as Loop
from .traced import Row as Row
from .traced import Traced as Traced
