"""Published numbers, measured numbers, and tables of both."""
