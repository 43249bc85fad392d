"""A user's file is data to the judge: it runs in a process of its own, which answers questions; here is who judges."""
