"""The Rocq theory: its gate, the record of earlier proofs, and the audit files that restate its theorems."""
