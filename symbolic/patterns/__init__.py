"""Layers whose heads attend by a pattern: kernels, softmax, causal masks, and state that lives in tokens.

A layer is Z + a sum_h V_h Z A_h with A_h an N x N pattern, and then a shift of rows from token to token.  A pattern
is made from rows that no layer writes, so that it may stay opaque; or it is the linear scores Z^T Q Z under a mask,
whose queries alone may be written rows.  Either way a layer is affine in the state.
"""
