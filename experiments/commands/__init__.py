"""The verbs of the command line, one file each.

A verb's module has `HELP`, a line; `EXAMPLES`, command lines of at most 80 columns; `options(parser)`, which adds its
own; and `main(options)`, which returns the exit code. Its docstring is what --help says first. What costs time to
import (torch, pandas, seaborn) is imported where it is used.
"""
