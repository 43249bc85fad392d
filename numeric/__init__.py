"""Floats and files: tensors, torch modules and what judges them.

In what order to read: `lower` (rationals rounded to a dtype), `transformer` (the layers in torch), `reference` (the
textbook loop in torch), `judge/` (how far one may be from the other, proven); `data/` (where transitions come from),
`files/`, `exported/` and `export/` (what is read and written), `training/` (the outer update); `device` is the one
file that knows the accelerator.
"""
