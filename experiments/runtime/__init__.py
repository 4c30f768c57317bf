"""The process: determinism of its arithmetic, its environment, random streams, interrupts, files."""
