"""Exact: derivation, constructions and identities. No torch, no files, no clock."""
