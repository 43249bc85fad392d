"""Statement and proof in Rocq for any derived algorithm: its loop as it stands, its prompt, its derived weights."""
