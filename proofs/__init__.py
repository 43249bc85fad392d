"""What is claimed, what stands behind it, and the commands that show it.

In what order to read: `verdict` (claims and what counts as success), `case` (what is asked), `evidence/` (a kind a
file), `checker` (all kinds over all algorithms); then the rooms that use them: `theory/` (the Rocq gate),
`invariance/`, `certificate/`, `check/`, `sweep/`, `report/`, `doctor/`, `pytest_plugin/`; `commands/` and `cli` are
the command line, `api/` is `import layerproof`.
"""
