"""The harness: studies, from a file to tables and figures. `fairgrid` has the names that a notebook needs."""

if __name__ == "experiments":  # imported from the root of a checkout
    from fairgrid.aliases import alias

    alias("experiments")
