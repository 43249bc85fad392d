"""Imported first, and for its effect, by the process that workers are forked from."""

from ..collector import look_seldom
from .parent import leave_with_parent

look_seldom()
leave_with_parent()
