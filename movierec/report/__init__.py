"""Report the results of runs beside the published numbers."""
