"""The functions of `import layerproof as lp`: what the command line does, from Python, with plain arguments."""
