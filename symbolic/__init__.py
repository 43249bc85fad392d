"""Exact: the nouns, the derivation and the identities. No torch, no files, no clock.

In what order to read: `transitions` and `algorithm` (a prompt's rows and a textbook update, as data), one of
`algorithms/`; `prompt` and `attention` (Z, and what a layer does to it); `derivation/` (from the update to heads);
`construction` (the heads as exact matrices), `given` and `own` (heads and constructions of a user's own); `identity/`
(layer l is iterate l); `arithmetics/` (what all of it can run in); `invariance/` (which sets of weights training
keeps). `errors`, `exact` and `strict_json` say what counts as input.
"""
