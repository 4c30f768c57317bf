"""Studies, from a file to tables and figures."""
