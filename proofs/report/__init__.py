"""Reports: everything established about an algorithm as a document; one section a file, one output format a file."""
