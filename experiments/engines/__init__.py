"""Engines: what trains runs of one kind and returns their records. They know no files of results."""
