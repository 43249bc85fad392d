"""Certificates: made, written as data, and checked without believing them."""
