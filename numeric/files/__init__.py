"""Files as data: strict readers, exact writers, and how a directory is put in place."""
