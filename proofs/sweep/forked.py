"""Imported first, and for its effect, by the process that workers are forked from."""

from ..collector import look_seldom

look_seldom()
