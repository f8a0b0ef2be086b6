"""Readers of the published file formats into typed frames, and the generated sample."""
