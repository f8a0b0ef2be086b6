"""Lists of films for people."""
