"""The verbs of the command line, one file each.

A verb's module has `HELP`, a line; `options(parser)`, which adds its own; and `main(options)`, which returns the exit
code. What costs time to import (torch, pandas, seaborn) is imported where it is used.
"""
