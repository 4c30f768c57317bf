"""The configuration of one run: its keys, its named components, its identity."""
