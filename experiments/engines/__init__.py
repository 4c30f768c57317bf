"""Engines, which train runs and return their records, without any knowledge of result files."""
